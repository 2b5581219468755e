// `holdfast login` and `holdfast logout`: through the running gateway, which takes the login at once; without one, by a
// listener of this command's own, and the gateway finds the login when it starts.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isObject, type JsonObject } from '../../core/json.ts';
import { nearest } from '../../core/nearest.ts';
import { listenForCallback } from '../../identity/callback.ts';
import { Logins } from '../../identity/logins.ts';
import type { ProtectedUpstream } from '../../identity/settings.ts';
import { protectedUpstream } from '../../logins.ts';
import { SecretFiles } from '../../store/secret-files.ts';
import { callApi, findRemote, type Remote, type RemoteOptions } from '../client.ts';
import { EXIT } from '../exit.ts';
import { mcpoFolder, readMcpoLogin } from '../mcpo-tokens.ts';
import { openBrowser } from '../open-browser.ts';
import { Refused } from '../refused.ts';
import { readSource } from '../source.ts';
import { t } from '../words.ts';

export interface LoginOptions extends RemoteOptions {
  configFormat?: string | undefined;
  browser: boolean;
  force?: boolean | undefined;
  /** The folder of mcpo's tokens, or true for the usual one. */
  fromMcpo?: string | boolean | undefined;
}

const POLL = 500;
const OWN_CALLBACK = 'http://127.0.0.1:0/oauth/callback';

/** @throws Refused with exit code 1 where the login is refused, 2 for an upstream that has none */
export async function login(upstream: string, options: LoginOptions): Promise<number> {
  if (options.fromMcpo !== undefined) return await takeOver(upstream, options);
  const remote = running(options);
  if (remote !== undefined) return await throughGateway(remote, upstream, options);
  const { logins, found } = await ownLogins(upstream, options);
  const wanted = new URL(found.oauth.redirectUrl ?? OWN_CALLBACK);
  const listener = await listenForCallback(upstream, wanted, (parameters) => logins.finish(parameters));
  try {
    const begun = await logins.begin(upstream, listener.url, { force: options.force === true });
    await show(begun.url, options);
    const end = await begun.done;
    if (!end.ok) throw new Refused(t`the login failed: ${end.reason}`, EXIT.failure);
    return said(upstream, options, { ok: true, upstream }, t`logged in`);
  } finally {
    await listener.close();
  }
}

/** Both write the same documents, whether a gateway runs or not; one that runs is told to look at them (10.9, U-11). */
async function takeOver(upstream: string, options: LoginOptions): Promise<number> {
  if (options.url !== undefined)
    throw new Refused(t`--from-mcpo puts the login into the data directory of this machine; it goes without --url`);
  const folder = typeof options.fromMcpo === 'string' ? options.fromMcpo : mcpoFolder();
  const { files, open, ...known } = readMcpoLogin(upstream, folder);
  const { logins } = await ownLogins(upstream, options);
  const { issuer } = await logins.adopt(upstream, known);
  const remote = running(options);
  if (remote !== undefined)
    await callApi(remote, 'POST', `/upstreams/${encodeURIComponent(upstream)}/restart?force=true`);
  if (open)
    process.stderr.write(`${t`others on this machine can read ${files.join(', ')}; remove them once mcpo is gone`}\n`);
  return said(
    upstream,
    options,
    { ok: true, upstream, issuer, from: files },
    t`logged in at ${issuer} with what mcpo kept`,
  );
}

export async function logout(upstream: string, options: LoginOptions): Promise<number> {
  const remote = running(options);
  const was =
    remote === undefined
      ? await (await ownLogins(upstream, options)).logins.logout(upstream)
      : (await callApi(remote, 'DELETE', `/upstreams/${encodeURIComponent(upstream)}/login`)).was === true;
  return said(upstream, options, { ok: true, upstream, was }, was ? t`logged out` : t`there was no login`);
}

/** The running gateway, if there is one; one that was named has to be there. */
function running(options: LoginOptions): Remote | undefined {
  try {
    return findRemote(options);
  } catch (error) {
    if (error instanceof Refused && error.code === EXIT.noGateway && options.url === undefined) return undefined;
    throw error;
  }
}

async function throughGateway(remote: Remote, upstream: string, options: LoginOptions): Promise<number> {
  const path = `/upstreams/${encodeURIComponent(upstream)}`;
  const begun = Date.now();
  const { url, expires } = await callApi(remote, 'POST', `${path}/login${options.force ? '?force=1' : ''}`);
  await show(String(url), options);
  while (Date.now() < Date.parse(String(expires))) {
    const { auth } = await callApi(remote, 'GET', path);
    const { state, since, failed } = isObject(auth) ? auth : ({} as JsonObject);
    if (isObject(failed) && Date.parse(String(failed.at)) >= begun)
      throw new Refused(t`the login failed: ${String(failed.reason)}`, EXIT.failure);
    if (state === 'logged_in' && Date.parse(String(since)) >= begun)
      return said(upstream, options, { ok: true, upstream, auth }, t`logged in`);
    await sleep(POLL);
  }
  throw new Refused(t`nobody logged in within 10 minutes`, EXIT.failure);
}

async function ownLogins(
  upstream: string,
  options: LoginOptions,
): Promise<{ logins: Logins; found: ProtectedUpstream }> {
  const { config, dataDir } = await readSource([], options);
  const settings = Object.hasOwn(config.upstreams, upstream) ? config.upstreams[upstream] : undefined;
  if (settings === undefined) {
    const near = nearest(upstream, Object.keys(config.upstreams));
    const names = Object.keys(config.upstreams).join(', ');
    const hint = near.length === 0 ? t`there are ${names || t`none`}` : t`did you mean ${near.join(t` or `)}?`;
    throw new Refused(t`there is no upstream called "${upstream}"; ${hint}`);
  }
  const found = protectedUpstream(upstream, settings, config.server.publicUrl?.replace(/\/+$/, ''));
  if (found === undefined) throw new Refused(t`${upstream} has no login: it needs a URL and no Authorization header`);
  if (found.oauth.storage === 'memory')
    throw new Refused(t`oauth.storage of ${upstream} is memory: start the gateway first`);
  const warn = (text: string) => void process.stderr.write(`holdfast: ${text}\n`);
  const logins = new Logins({
    files: new SecretFiles(join(dataDir, 'logins'), warn),
    memory: new SecretFiles(),
    log: (level, text) => level === 'warn' && warn(text),
    loggedIn: () => undefined,
  });
  logins.register(found);
  return { logins, found };
}

/** On stderr, so that stdout holds the outcome alone. */
async function show(url: string, { browser }: LoginOptions): Promise<void> {
  process.stderr.write(`${t`Open this address to log in:`}\n\n  ${url}\n\n`);
  if (browser && !(await openBrowser(url))) process.stderr.write(`${t`No browser could be opened here.`}\n`);
}

function said(upstream: string, { json }: LoginOptions, answer: JsonObject, text: string): number {
  process.stdout.write(json ? `${JSON.stringify(answer)}\n` : `${upstream}: ${text}\n`);
  return EXIT.ok;
}
