// The OpenAPI face of a gateway, as its configuration and its command line want it.
import { isReserved } from './config/reserved.ts';
import type { Config, UpstreamConfig } from './config/schema.ts';
import { nearest } from './core/nearest.ts';
import {
  createOpenApiFace,
  normalPrefix,
  normalRoot,
  type OpenApiDeps,
  type OpenApiFace,
} from './faces/openapi/index.ts';

export interface OpenApiSetup {
  /** Documents and pages need a key too (U-06). */
  strictAuth?: boolean | undefined;
  /** Embedded resources are mcpo's sentence in place of themselves. */
  legacyResources?: boolean | undefined;
  /** Of the document over all upstreams. */
  title?: string | undefined;
  description?: string | undefined;
  version?: string | undefined;
}

export interface OpenApiParts
  extends Pick<OpenApiDeps, 'catalog' | 'upstream' | 'upstreams' | 'dispatch' | 'validate' | 'events' | 'forwards'> {
  config: Config;
  upstreamConfig(name: string): UpstreamConfig | undefined;
  setup: OpenApiSetup | undefined;
  /** Whether callers need a key. */
  secured(): boolean;
  /** Made for one server given on the command line. */
  single: boolean;
  version: string;
}

export function openApiFace(parts: OpenApiParts): OpenApiFace {
  const { config, setup, secured, single, upstreamConfig, version, ...deps } = parts;
  const settings = {
    root: normalRoot(config.server.rootPath),
    prefix: normalPrefix(config.server.pathPrefix),
    get secured() {
      return secured();
    },
    get strictAuth() {
      return secured() && setup?.strictAuth === true;
    },
    legacyResources: setup?.legacyResources === true,
    single,
    info: {
      title: setup?.title ?? 'Holdfast',
      description: setup?.description ?? 'The tools of all upstreams',
      version: setup?.version ?? version,
    },
  };
  return createOpenApiFace({
    ...deps,
    nearest: (name, candidates) => nearest(name, candidates),
    validates: (upstream) => upstreamConfig(upstream)?.validate !== 'never',
    isReserved,
    limits: config.limits,
    settings: () => settings,
  });
}
