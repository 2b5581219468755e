// The result cache of a gateway: what its configuration allows to be kept (requirements 8.1).
import type { Config, UpstreamConfig } from './config/schema.ts';
import type { CallContext } from './core/context.ts';
import type { EventStream } from './core/events.ts';
import type { Operation } from './core/operation.ts';
import type { Upstream } from './core/upstream.ts';
import { createValueHash } from './core/value-hash.ts';
import { type CacheRule, ResultCache } from './dispatch/cache.ts';
import { cacheTtl } from './dispatch/cache-rule.ts';
import type { Dispatch, ToolPolicy } from './dispatch/dispatch.ts';

export interface ResultCacheParts {
  /** The path to put the cache before. */
  dispatch: Dispatch;
  upstream(name: string): Upstream | undefined;
  upstreamConfig(name: string): UpstreamConfig | undefined;
  /** As on the path itself: undefined when this tool may not be called. */
  policy(upstream: string, name: string): ToolPolicy | undefined;
  config: Config['cache'];
  /** In whose name the upstream is asked, where that is the caller's. */
  identity?: ((upstream: string, context: CallContext) => string) | undefined;
  events: EventStream;
}

export function createResultCache(parts: ResultCacheParts): ResultCache {
  const hashOf = createValueHash();

  function rule(operation: Operation, context: CallContext): CacheRule | undefined {
    const { principal, client, ask } = context;
    if (operation.kind !== 'call-tool') return undefined;
    const { upstream, name } = operation;
    const config = parts.upstreamConfig(upstream);
    if (config === undefined) return undefined;
    const override = config.tools.overrides[name]?.cache;
    if (!(override ?? config.cache.enabled)) return undefined;
    const policy = parts.policy(upstream, name);
    const definition = parts.upstream(upstream)?.lists.tools.find((tool) => tool.name === name);
    if (policy === undefined || definition === undefined) return undefined;
    const ttl = cacheTtl({
      config: config.cache,
      override,
      name,
      readOnly: policy.safety === 'read',
      defaultTtl: parts.config.ttl,
    });
    if (ttl === undefined) return undefined;
    // Who has upstream state of its own, or can be asked by the tool, may be told something else.
    const own = config.session.mode !== 'shared' || ask !== undefined;
    const identity = parts.identity?.(upstream, context) ?? '';
    const scope = JSON.stringify([principal.id, own ? client.key : '', identity]);
    return { ttl, hash: hashOf(definition), scope };
  }

  return new ResultCache({
    dispatch: parts.dispatch,
    options: parts.config,
    rule,
    changes: (operation) =>
      operation.kind === 'forward' ||
      (operation.kind === 'call-tool' && parts.policy(operation.upstream, operation.name)?.safety !== 'read'),
    events: parts.events,
  });
}
