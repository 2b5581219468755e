// The one place where a configuration becomes an upstream, whatever it is inside: one server, or several of them.
import type { UpstreamConfig } from '../config/schema.ts';
import { createReplicatedUpstream } from './replicas.ts';
import { createUpstream, type ReconfigurableUpstream, type UpstreamDeps } from './upstream.ts';

/** Nothing is started yet: call `start()`. */
export function createAnyUpstream(name: string, config: UpstreamConfig, deps: UpstreamDeps): ReconfigurableUpstream {
  return config.replicas.length > 0 ? createReplicatedUpstream(name, config, deps) : createUpstream(name, config, deps);
}
