// Which settings an upstream can take while it runs, and which are built into its link and need a new one.
import { isDeepStrictEqual } from 'node:util';
import type { UpstreamConfig } from '../config/schema.ts';

/** What the parts of an upstream read at every use, so that it can be changed under them. */
export function settingsOf(config: UpstreamConfig) {
  const { timeouts, limits, supervisor, recovery, health, serial, stopWhenIdle } = config;
  const process = config.command !== undefined;
  return {
    limiter: { inFlight: serial ? 1 : limits.inFlight, queue: limits.queue },
    lists: { timeout: timeouts.list },
    supervisor: {
      timeouts: { start: process ? timeouts.start : timeouts.connect, ready: timeouts.ready },
      cooldown: supervisor.cooldown,
      stableAfter: supervisor.stableAfter,
      dial: recovery.connect,
      waits: recovery.enabled,
    },
    breaker: { ...recovery.breaker },
    liveness: { ...health },
    upkeep: { stopWhenIdle, memoryLimit: supervisor.memoryLimit },
  };
}

/** Whether the change reaches what was told to the server or given to its process, so that a running one has to go. */
export function needsRestart(before: UpstreamConfig, after: UpstreamConfig): boolean {
  return !isDeepStrictEqual(builtIn(before), builtIn(after));
}

function builtIn(config: UpstreamConfig) {
  const { command, args, cwd, env, requiredEnv, inheritEnv, url, headers, tls, oauth, transport } = config;
  const { session, pool, limits, timeouts, supervisor, unresolved, invalid } = config;
  const process = {
    command,
    args,
    cwd,
    env,
    requiredEnv,
    inheritEnv,
    nice: supervisor.nice,
    kernel: supervisor.limits,
  };
  const forwards = config.forwardHeaders.enabled;
  const network = { url, headers, tls, oauth, transport, dial: timeouts.dial, message: limits.message, forwards };
  const pooled = session.mode !== 'shared' || forwards;
  return {
    process,
    network,
    session,
    pool: pooled ? pool : undefined,
    unresolved,
    invalid,
    replicas: config.replicas,
    singleton: config.singleton,
  };
}
