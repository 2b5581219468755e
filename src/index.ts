// What a program that embeds the gateway uses.
import { loadConfig, parseConfig } from './config/load.ts';
import { formatProblem } from './config/problem.ts';
import type { ConfigInput } from './config/schema.ts';
import { Gateway } from './gateway.ts';
import { management } from './manage.ts';
import type { GatewaySetup } from './setup.ts';
import { chooseDataDir } from './store/data-dir.ts';

export { type ConfigInput, defineConfig, type UpstreamInput } from './config/schema.ts';
export type { GatewayEvent } from './core/events.ts';
export { GatewayFault } from './core/fault.ts';
export type { Gateway } from './gateway.ts';
export type { Negotiated, OutgoingRequest, Transport, TransportSink } from './upstream/transport.ts';
export type { CreateTransport, TransportOptions } from './upstream/transports/index.ts';
/** What a transport makes of the bytes of one message, for its sink. */
export { type Incoming, readMessage } from './wire/envelope.ts';

export interface EmbeddedGateway extends Omit<GatewaySetup, 'config' | 'dataDir'> {
  /** The native keys, as in holdfast.json. */
  config: ConfigInput;
  /** Where state is kept; the default place when absent. */
  dataDir?: string | undefined;
}

/**
 * Builds a gateway from a configuration; nothing is started. Then `await gateway.listen()`, `gateway.start()`, and at
 * the end `await gateway.stop()`.
 * @throws Error that lists every problem of the configuration; SetupRefused for an unsafe listener
 */
export function createGateway({ config, dataDir, ...setup }: EmbeddedGateway): Gateway {
  const transports = Object.keys(setup.transports ?? {});
  const result = parseConfig(config, { env: process.env, transports });
  if (!result.ok) throw new Error(`the configuration has problems:\n${result.problems.map(formatProblem).join('\n')}`);
  const directory = chooseDataDir({ flag: dataDir, configured: result.config.storage.dir, env: process.env });
  const manage = management({ source: { input: config, env: process.env }, watch: false });
  return new Gateway({ manage, ...setup, config: result.config, dataDir: directory });
}

export { loadConfig };
