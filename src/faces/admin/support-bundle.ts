// One document for a bug report: what runs, how it is set up, what went wrong of late. Secrets are taken out twice: where
// each part is made, and over the whole.
import type { JsonObject } from '../../core/json.ts';
import { redactValue, withoutValues } from '../../core/redact.ts';
import type { AdminDeps } from './deps.ts';
import { showUpstream } from './show.ts';

const CALLS = 200;
const LINES = 200;
const SAMPLES = 120;

export function supportBundle(deps: AdminDeps): JsonObject {
  const { views, config } = deps;
  const upstreams = deps.upstreams();
  const bundle = {
    made: new Date().toISOString(),
    gateway: {
      version: deps.version,
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
      memory: process.memoryUsage(),
    },
    health: deps.health(),
    diagnostics: views.diagnostics(),
    metrics: views.metrics(),
    alerts: views.alerts(),
    rules: views.rules(),
    upstreams: upstreams.map((upstream) => ({
      ...showUpstream(deps, upstream, true),
      stderr: upstream.facts().stderr.slice(-LINES),
    })),
    config: withoutValues(config.effective()),
    versions: config.versions(),
    calls: views.calls({ limit: CALLS }).map(({ arguments: _, ...row }) => row),
    samples: views.samples('gateway', SAMPLES),
  };
  return redactValue(bundle, deps.redact) as JsonObject;
}
