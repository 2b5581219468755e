// The shared store on Redis or Valkey. Commands never wait for a connection and have a bound of time; what cannot be
// done fails at once, and everything comes back by itself (requirements F-R6). Loaded only where it is configured.
import { readFileSync } from 'node:fs';
import { Cluster, type ClusterNode, Redis, type SentinelAddress } from 'ioredis';
import {
  type LeaseAnswer,
  type SharedMessage,
  type SharedState,
  type SharedStore,
  SharedStoreFailed,
} from '../core/shared.ts';
import { SCRIPTS } from './redis-scripts.ts';

export interface RedisStoreOptions {
  url: string | readonly string[];
  sentinel?: string | undefined;
  cluster: boolean;
  username?: string | undefined;
  password?: string | undefined;
  tls?:
    | { ca?: string | undefined; cert?: string | undefined; key?: string | undefined; servername?: string | undefined }
    | undefined;
  prefix: string;
  /** Signs what it publishes, and is not told of its own messages. */
  instance: string;
}

/** Milliseconds an operation may take. */
const TIMEOUT = 1_000;
/** After this silence, while something is asked, the connection is taken for dead. */
const DEAD = 3_000;
/** Operations that may be under way at once; more are refused. */
const MOST = 256;
/** Operations that time out in a row before the store counts as down. */
const LATE = 2;
/** Listening connections are asked this often whether they live, in milliseconds. */
const LISTEN_CHECK = 2_000;
/** A store that refuses writes this long may have become a replica: the connection is made anew, in milliseconds. */
const REPLICA = 5_000;

type Scripted = Record<keyof typeof SCRIPTS, (...args: (string | number)[]) => Promise<unknown>>;
type Client = (Redis | Cluster) & Scripted;

export class RedisStore implements SharedStore {
  readonly #client: Client;
  readonly #listening: Redis | Cluster;
  readonly #tag: string;
  readonly #channel: string;
  readonly #instance: string;
  readonly #check: NodeJS.Timeout;
  #state: SharedState = 'connecting';
  #since = Date.now();
  #problem: string | undefined;
  #stateListeners: ((state: SharedState) => void)[] = [];
  #listeners: ((message: SharedMessage) => void)[] = [];
  #underWay = 0;
  #late = 0;
  #closed = false;

  /** Begins to connect; whoever needs it ready watches its state. @throws Error for a TLS file that cannot be read */
  constructor(options: RedisStoreOptions) {
    this.#tag = `{${options.prefix}}:`;
    this.#channel = `${this.#tag}events`;
    this.#instance = options.instance;
    this.#client = connection(options, SCRIPTS) as Client;
    this.#listening = connection(options);
    this.#watch(this.#client);
    // Connected is not enough: a store that takes no writes is of little use. What is written here means nothing.
    this.#client.on('ready', () => void this.set('probe', '1').catch(ignore));
    this.#client.on('close', () => this.#enter('down', this.#problem ?? 'the connection was lost'));
    this.#watch(this.#listening);
    this.#listening.on('ready', () => void this.#listening.subscribe(this.#channel).catch(ignore));
    this.#listening.on('message', (_, text) => this.#heard(text));
    this.#check = setInterval(() => void this.#checkListening(), LISTEN_CHECK).unref();
  }

  get state(): SharedState {
    return this.#state;
  }

  get since(): number {
    return this.#since;
  }

  get problem(): string | undefined {
    return this.#problem;
  }

  onState(listener: (state: SharedState) => void): () => void {
    this.#stateListeners = [...this.#stateListeners, listener];
    return () => {
      this.#stateListeners = this.#stateListeners.filter((other) => other !== listener);
    };
  }

  async get(key: string): Promise<string | undefined> {
    return (await this.#run((client) => client.get(this.#tag + key), false)) ?? undefined;
  }

  async set(key: string, value: string, ttl?: number): Promise<void> {
    const name = this.#tag + key;
    await this.#run((client) => (ttl === undefined ? client.set(name, value) : client.set(name, value, 'PX', ttl)));
  }

  async fields(key: string): Promise<Map<string, string>> {
    return new Map(Object.entries(await this.#run((client) => client.hgetall(this.#tag + key), false)));
  }

  async put(key: string, field: string, value: string, absent = false): Promise<boolean> {
    const name = this.#tag + key;
    if (absent) return (await this.#run((client) => client.hsetnx(name, field, value))) === 1;
    await this.#run((client) => client.hset(name, field, value));
    return true;
  }

  async drop(key: string, field: string): Promise<void> {
    await this.#run((client) => client.hdel(this.#tag + key, field));
  }

  async beat(instance: string, says: string, ttl: number): Promise<Map<string, string>> {
    const found = (await this.#run((client) =>
      client.hfBeat(`${this.#tag}epoch`, `${this.#tag}instances`, instance, says, ttl),
    )) as string[];
    const all = new Map<string, string>();
    for (let at = 0; at < found.length; at += 2) all.set(found[at] as string, found[at + 1] as string);
    return all;
  }

  async leave(instance: string): Promise<void> {
    await this.drop('instances', instance);
  }

  async lease(name: string, owner: string, ttl: number, held: boolean): Promise<LeaseAnswer> {
    const keys = [`${this.#tag}epoch`, `${this.#tag}lease:${name}`, `${this.#tag}fence:${name}`];
    const [got, what, left] = (await this.#run((client) => client.hfLease(...keys, owner, ttl, held ? '1' : '0'))) as [
      number,
      string | number,
      number,
    ];
    if (got === 1) return { held: true, fence: Number(what) };
    return { held: false, owner: String(what), left: Math.max(0, left) };
  }

  async release(name: string, owner: string): Promise<void> {
    await this.#run((client) => client.hfRelease(`${this.#tag}lease:${name}`, owner));
  }

  async escalate(key: string, owner: string, level: number, alive: readonly string[]): Promise<boolean> {
    return (await this.#run((client) => client.hfEscalate(`${this.#tag}alert:${key}`, owner, level, ...alive))) === 1;
  }

  publish(topic: string, body: unknown): void {
    if (this.#state !== 'ready') return;
    const message: SharedMessage = { topic, from: this.#instance, body };
    this.#run((client) => client.publish(this.#channel, JSON.stringify(message)), false).catch(ignore);
  }

  subscribe(listener: (message: SharedMessage) => void): () => void {
    this.#listeners = [...this.#listeners, listener];
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener);
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#check);
    this.#client.disconnect();
    this.#listening.disconnect();
  }

  async #run<T>(operation: (client: Client) => Promise<T>, writes = true): Promise<T> {
    if (this.#closed || this.#client.status !== 'ready') throw new SharedStoreFailed('the shared store is away');
    if (this.#underWay >= MOST) throw new SharedStoreFailed('the shared store does not keep up');
    this.#underWay++;
    try {
      const result = await operation(this.#client);
      this.#late = 0;
      if (writes && this.#state !== 'ready') this.#enter('ready', undefined);
      return result;
    } catch (error) {
      throw this.#failed(error as Error);
    } finally {
      this.#underWay--;
    }
  }

  #failed({ message }: Error): SharedStoreFailed {
    if (/^(READONLY|MISCONF|OOM|NOREPLICAS|NOPERM)\b/.test(message)) {
      this.#enter('read-only', message.slice(0, 200));
      if (/^READONLY/.test(message) && Date.now() - this.#since > REPLICA) this.#client.disconnect(true);
    } else if (message === 'Command timed out' && ++this.#late >= LATE) {
      this.#enter('down', `no answer within ${TIMEOUT} ms`);
    }
    return new SharedStoreFailed(`the shared store did not do it: ${message.slice(0, 200)}`);
  }

  #heard(text: string): void {
    const message = messageOf(text);
    if (message === undefined || message.from === this.#instance) return;
    for (const listener of this.#listeners) listener(message);
  }

  /** A connection that only listens does not notice its death. */
  async #checkListening(): Promise<void> {
    if (this.#listening.status !== 'ready') return;
    await this.#listening.ping().catch(() => this.#listening.disconnect(true));
  }

  #watch(client: Redis | Cluster): void {
    client.on('error', (error: Error & { lastNodeError?: Error }) => {
      this.#problem = (error.lastNodeError ?? error).message.slice(0, 200);
    });
  }

  #enter(state: SharedState, problem: string | undefined): void {
    this.#problem = problem;
    if (state === this.#state || this.#closed) return;
    this.#state = state;
    this.#since = Date.now();
    for (const listener of this.#stateListeners) listener(state);
  }
}

/** Whoever may use the store can write there: what no gateway sent is left. */
function messageOf(text: string): SharedMessage | undefined {
  try {
    const message = JSON.parse(text) as SharedMessage | null;
    return typeof message?.topic === 'string' && typeof message.from === 'string' ? message : undefined;
  } catch {
    return undefined;
  }
}

function ignore(): void {}

function connection(options: RedisStoreOptions, more?: typeof SCRIPTS): Redis | Cluster {
  const { cluster, sentinel, username, password } = options;
  const urls = (typeof options.url === 'string' ? [options.url] : options.url).map((text) => new URL(text));
  const first = urls[0] as URL;
  const tls = first.protocol === 'rediss:' || options.tls !== undefined ? tlsOf(options.tls) : undefined;
  const nodes = urls.map(({ hostname, port }) => ({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port || 6379),
  }));
  const db = Number(first.pathname.slice(1) || 0);
  const again = (times: number) => Math.min(50 * 2 ** Math.min(times, 6), 1_000) * (0.75 + Math.random() / 2);
  const user = username ?? decodeURIComponent(first.username);
  const secret = password ?? decodeURIComponent(first.password);
  const common = {
    protocol: 2 as const,
    ...(user !== '' && { username: user }),
    ...(secret !== '' && { password: secret }),
    ...(db !== 0 && { db }),
    ...(tls !== undefined && { tls }),
    connectionName: 'holdfast',
    disableClientInfo: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: TIMEOUT,
    connectTimeout: 2_000,
    socketTimeout: DEAD,
    autoResubscribe: false,
  };
  const scripts = more === undefined ? {} : { scripts: { ...more } };
  if (cluster) {
    const { autoResubscribe: _, ...redisOptions } = common;
    return new Cluster(nodes satisfies ClusterNode[], {
      enableOfflineQueue: false,
      clusterRetryStrategy: again,
      redisOptions,
      ...scripts,
    });
  }
  if (sentinel !== undefined) {
    return new Redis({
      ...common,
      ...scripts,
      retryStrategy: again,
      name: sentinel,
      sentinels: nodes satisfies Partial<SentinelAddress>[],
      sentinelRetryStrategy: again,
      ...(tls !== undefined && { sentinelTLS: tls, enableTLSForSentinelMode: true }),
    });
  }
  const [node] = nodes as [{ host: string; port: number }];
  return new Redis({ ...common, ...scripts, ...node, retryStrategy: again });
}

function tlsOf(tls: RedisStoreOptions['tls']) {
  const { ca, cert, key, servername } = tls ?? {};
  return {
    ...(ca !== undefined && { ca: readFileSync(ca) }),
    ...(cert !== undefined && { cert: readFileSync(cert) }),
    ...(key !== undefined && { key: readFileSync(key) }),
    ...(servername !== undefined && { servername }),
  };
}
