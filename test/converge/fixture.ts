// A small catalogue behind a converged view, with a dispatch that a test decides.
import { buildView } from '../../src/catalog/view.ts';
import {
  type Converged,
  type ConvergedConfig,
  type ConvergedDeps,
  createConverged,
} from '../../src/converge/converge.ts';
import type { CatalogView } from '../../src/core/catalog.ts';
import type { CallContext } from '../../src/core/context.ts';
import { GatewayFault } from '../../src/core/fault.ts';
import type { JsonObject } from '../../src/core/json.ts';
import type { Operation } from '../../src/core/operation.ts';
import type { UpstreamAnswer } from '../../src/core/outcome.ts';
import { Payload } from '../../src/core/payload.ts';
import { NO_LISTS, type Upstream, type UpstreamLists, type UpstreamState } from '../../src/core/upstream.ts';

export interface FakeUpstream {
  name: string;
  tools?: JsonObject[];
  resources?: JsonObject[];
  resourceTemplates?: JsonObject[];
  instructions?: string;
  state?: UpstreamState;
  confirmed?: boolean;
  disabled?: string[];
}

export const files: FakeUpstream = {
  name: 'files',
  instructions: 'Reads and writes files below the allowed folders.',
  tools: [
    {
      name: 'read_file',
      description: 'Read a file as text',
      inputSchema: {
        type: 'object',
        properties: { path: { type: 'string', description: 'Where it lies' }, head: { type: 'integer', minimum: 1 } },
        required: ['path'],
        additionalProperties: false,
      },
      annotations: { readOnlyHint: true },
    },
    {
      name: 'write_file',
      description: 'Create or overwrite a file',
      inputSchema: {
        type: 'object',
        properties: { path: { type: 'string' }, content: { type: 'string' } },
        required: ['path', 'content'],
      },
    },
    { name: 'inspect', description: 'Looks closely at a file', inputSchema: { type: 'object' } },
  ],
  resources: [
    { uri: 'file:///a.txt', name: 'a.txt', mimeType: 'text/plain', size: 12 },
    { uri: 'file:///b.png', name: 'b.png', mimeType: 'image/png', description: 'A picture' },
  ],
  resourceTemplates: [{ uriTemplate: 'file:///{path}', name: 'any file' }],
};

export const weather: FakeUpstream = {
  name: '天气.v2',
  tools: [
    {
      name: 'now.at',
      description: '查询城市的天气',
      inputSchema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    },
    { name: 'secret', description: 'switched off', inputSchema: { type: 'object' } },
  ],
  disabled: ['secret'],
};

const config: ConvergedConfig = {
  converged: { dialect: 'inspect-exec', tokens: 2000, structuredContent: false },
  compression: { toon: { enabled: true, minSize: 1, indent: 1 }, schema: { enabled: true, maxDescription: 300 } },
  limits: { inline: 32 * 1024 },
};

export interface Stage {
  converged: Converged;
  context: CallContext;
  /** What was sent upstream. */
  sent: { operation: Operation; context: CallContext }[];
  /** What is answered next: a result, or a fault to throw. */
  answer(next: JsonObject | GatewayFault | { error: { code: number; message: string } }): void;
  /** Replaces the catalogue. */
  show(upstreams: readonly FakeUpstream[]): void;
  /** The text of a tool's answer, or what it would be as JSON. */
  call(
    name: string,
    args?: JsonObject,
    context?: Partial<CallContext>,
  ): Promise<{ text: string; json: unknown; isError: boolean; result: JsonObject }>;
}

type Overrides = {
  converged?: Partial<ConvergedConfig['converged']>;
  limits?: ConvergedConfig['limits'];
  compression?: Partial<ConvergedConfig['compression']>;
} & Partial<Pick<ConvergedDeps, 'validates' | 'settled' | 'saved' | 'results'>>;

export function stage(upstreams: readonly FakeUpstream[] = [files, weather], overrides: Overrides = {}): Stage {
  let revision = 0;
  let view: CatalogView;
  let next: JsonObject | GatewayFault | { error: { code: number; message: string } } = {
    content: [{ type: 'text', text: 'done' }],
  };
  const sent: Stage['sent'] = [];
  const show = (shown: readonly FakeUpstream[]) => {
    view = buildView(
      {
        name: 'converged',
        naming: 'always',
        members: shown.map((fake) => ({
          upstream: upstreamOf(fake),
          tools: { allow: [], disabled: fake.disabled ?? [], overrides: {} },
          trustAnnotations: true,
        })),
      },
      ++revision,
    );
  };
  show(upstreams);
  const { validates, settled, saved, results } = overrides;
  const converged = createConverged({
    view: () => view,
    config: {
      converged: { ...config.converged, ...overrides.converged },
      compression: { ...config.compression, ...overrides.compression },
      limits: overrides.limits ?? config.limits,
    },
    async dispatch(operation, context): Promise<UpstreamAnswer> {
      sent.push({ operation, context });
      if (next instanceof GatewayFault) throw next;
      const timing = { attempts: 1, queue: 0, connect: 0, upstream: 1 };
      return 'error' in next
        ? { error: next.error as { code: number; message: string }, era: 'legacy', timing }
        : { result: Payload.of(next as JsonObject), era: 'legacy', timing };
    },
    validates,
    settled,
    saved,
    results,
  });
  const context: CallContext = {
    id: 'call-1',
    face: 'mcp',
    principal: { id: 'local', roles: ['read', 'call'] },
    client: { era: 'legacy', revision: '2025-11-25', capabilities: {}, info: {}, key: 'c1' },
    deadline: Number.POSITIVE_INFINITY,
    signal: new AbortController().signal,
  };
  return {
    converged,
    context,
    sent,
    answer(value) {
      next = value;
    },
    show,
    async call(name, args = {}, more = {}) {
      const answer = await converged.callTool({ name, arguments: args }, { ...context, ...more });
      if ('error' in answer) throw new Error(`JSON-RPC error ${answer.error.code}`);
      const result = answer.result.value;
      const content = result.content as { type: string; text?: string }[];
      const text = content[0]?.text ?? '';
      let json: unknown;
      try {
        json = JSON.parse(text);
      } catch {}
      return { text, json, isError: result.isError === true, result };
    },
  };
}

export function upstreamOf(fake: FakeUpstream): Upstream {
  const lists: UpstreamLists = {
    ...NO_LISTS,
    revision: 1,
    confirmed: fake.confirmed ?? true,
    tools: fake.tools ?? [],
    resources: fake.resources ?? [],
    resourceTemplates: fake.resourceTemplates ?? [],
  };
  const unused = () => {
    throw new Error('not used here');
  };
  return {
    name: fake.name,
    state: fake.state ?? { state: 'ready', since: 0 },
    identity: {
      era: 'legacy',
      revision: '2025-11-25',
      transport: 'stdio',
      serverInfo: { name: fake.name, version: '1.2.3' },
      capabilities: {},
      instructions: fake.instructions,
    },
    lists,
    facts: unused,
    call: unused,
    whenUp: unused,
    subscribe: unused,
    unsubscribe: unused,
    onNotification: () => () => undefined,
    onChange: () => () => undefined,
    start: unused,
    stop: unused,
    restart: unused,
  };
}
