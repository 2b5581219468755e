// Makes the upstream `custom` of the tools in a configuration.
import type { CustomTool, CustomToolsConfig } from '../config/schema-custom.ts';
import type { EventStream } from '../core/events.ts';
import { GatewayFault } from '../core/fault.ts';
import { part } from '../core/part.ts';
import type { Upstream } from '../core/upstream.ts';
import type { Dispatch } from '../dispatch/dispatch.ts';
import type { FetchGuard } from './exchange.ts';
import type { Handlers } from './handlers.ts';
import type { Handler, Log } from './run.ts';
import type { StartChild } from './script.ts';
import { CUSTOM, CustomUpstream, type ReadyTool } from './upstream.ts';

export type { FetchGuard } from './exchange.ts';
export type { ScriptChild, ScriptStart, StartChild } from './script.ts';
export { CUSTOM } from './upstream.ts';

export interface CustomUpstreamSetup extends CustomToolsConfig {
  /** For mcp and chain; below whatever asks clients questions, which then happens once, around the custom tool. */
  dispatch: Dispatch;
  events: EventStream;
  /** Where relative paths begin; those of a loaded configuration are absolute. */
  directory?: string | undefined;
  /** Starts the programs of scripts; without it a script is refused when it is called. */
  startChild?: StartChild | undefined;
  /** Looks at every URL before it is asked. */
  fetchGuard?: FetchGuard | undefined;
}

/**
 * The configured tools as one upstream, ready at once. The configuration was checked (config/custom-rules.ts); what is
 * not allowed is refused here once more, whoever made the setup. What runs them is read with the first call.
 * @throws GatewayFault UPSTREAM_START_FAILED for a script or function that is not switched on
 */
export function createCustomUpstream(setup: CustomUpstreamSetup): Upstream {
  const { events } = setup;
  const log: Log = (level, text, data) =>
    events.emit({ type: 'log', level, text, upstream: CUSTOM, ...(data !== undefined && { data }) });
  let handlers: Handlers | undefined;
  const read = part('custom tools', async () => {
    const made = (await import('./handlers.ts')).createHandlers(setup);
    handlers = made;
    return made;
  });
  const ready = (tool: CustomTool): ReadyTool => {
    let handle: Handler | undefined;
    const run: Handler = async (one) => {
      if (handle === undefined) {
        const { handlerOf } = await read();
        one.signal.throwIfAborted();
        handle ??= handlerOf(tool);
      }
      return await handle(one);
    };
    return { tool, handle: run, ...bounds(setup, tool) };
  };
  return new CustomUpstream({ tools: setup.tools.map(ready), events, log, close: async () => await handlers?.close() });
}

/** @throws GatewayFault UPSTREAM_START_FAILED for a script or function that is not switched on */
function bounds(setup: CustomToolsConfig, tool: CustomTool): Pick<ReadyTool, 'timeout' | 'weight'> {
  const { handler } = tool;
  switch (handler.type) {
    case 'http':
      return { timeout: handler.timeout, weight: 'light' };
    case 'proxy':
      return { timeout: handler.config.timeout, weight: 'light' };
    case 'mcp':
      return { timeout: undefined, weight: 'none' };
    case 'chain':
      return { timeout: handler.timeout, weight: 'none' };
    case 'script':
    case 'function':
      refuseUnlessAllowed(setup, tool);
      return { timeout: handler.timeout, weight: 'heavy' };
  }
}

function refuseUnlessAllowed({ allow }: CustomToolsConfig, { name, handler }: CustomTool): void {
  if ((allow as readonly string[]).includes(handler.type)) return;
  const text = `custom tool "${name}" is a ${handler.type}, and customTools.allow does not name that`;
  throw new GatewayFault('UPSTREAM_START_FAILED', text, { upstream: CUSTOM, data: { permanent: true } });
}
