// Endpoints as xiaozhi-client's commands change them: on the running gateway, or in the configuration where none runs.
import { isObject, type JsonObject } from '../core/json.ts';
import { readToken, shownUrl } from '../faces/xiaozhi/token.ts';
import { type ChangeOptions, changeConfig, targetOf, tellChange } from './change.ts';
import { callApi } from './client.ts';
import { endpoint } from './commands/endpoint.ts';
import { EXIT } from './exit.ts';
import { readInput } from './input.ts';
import { Refused } from './refused.ts';
import { t } from './words.ts';

export async function listEndpoints(options: ChangeOptions): Promise<number> {
  const target = await targetOf(options);
  if (target.kind === 'gateway') return await endpoint('list', undefined, undefined, options);
  const shown = writtenIn(target.input).map((one, index) => `  ${index + 1}. ${shownUrl(addressOf(one))}\n`);
  process.stdout.write(shown.join('') || 'no endpoints\n');
  return EXIT.ok;
}

export async function addEndpoint(given: string, options: ChangeOptions): Promise<number> {
  const url = checked(given === '-' ? await readInput('address: ') : given);
  const target = await targetOf(options);
  if (target.kind === 'gateway') return await endpoint('add', url, undefined, options);
  const now = writtenIn(target.input);
  if (now.some((one) => addressOf(one) === url)) throw new Refused(t`this endpoint is there already`, EXIT.failure);
  return await write(target, [...now, url], 'added an endpoint', options);
}

/** By its address or its name. @throws Refused where there is none */
export async function removeEndpoint(given: string, options: ChangeOptions): Promise<number> {
  const target = await targetOf(options);
  if (target.kind === 'gateway') {
    if (!/^wss?:/i.test(given)) return await endpoint('remove', given, undefined, options);
    const { endpoints } = await callApi(target.remote, 'GET', '/endpoints');
    const named = (endpoints as JsonObject[]).filter((one) => isAt(one, given));
    if (named.length === 1) return await endpoint('remove', String(named[0]?.name), undefined, options);
    const names = (endpoints as JsonObject[]).map(({ name }) => name).join(', ');
    throw new Refused(
      named.length === 0
        ? `there is no endpoint with this address; there are ${names || 'none'}`
        : `several endpoints differ in nothing but their token, which is not shown; name one of ${names}`,
      EXIT.failure,
    );
  }
  const now = writtenIn(target.input);
  const kept = now.filter((one) => addressOf(one) !== given && !(isObject(one) && one.name === given));
  if (kept.length === now.length)
    throw new Refused(t`there is no such endpoint; holdfast xiaozhi endpoint list shows them`, EXIT.failure);
  return await write(target, kept, 'removed an endpoint', options);
}

/** These and no others. */
export async function setEndpoints(urls: readonly string[], options: ChangeOptions): Promise<number> {
  const target = await targetOf(options);
  return await write(
    target,
    urls.map(checked),
    `set ${urls.length === 1 ? 'the endpoint' : `${urls.length} endpoints`}`,
    options,
  );
}

async function write(
  target: Awaited<ReturnType<typeof targetOf>>,
  endpoints: readonly unknown[],
  done: string,
  options: ChangeOptions,
): Promise<number> {
  return tellChange(
    await changeConfig(target, [{ path: ['endpoints'], value: endpoints }], done, options),
    options,
    done,
  );
}

function writtenIn(input: JsonObject): unknown[] {
  return [input.endpoints ?? []].flat();
}

function addressOf(one: unknown): string {
  return String(isObject(one) ? one.url : one);
}

function checked(url: string): string {
  if (/^wss?:\/\/./i.test(url)) return url;
  throw new Refused(t`an endpoint is an address that begins with ws:// or wss://`);
}

/** Whether an endpoint as the gateway shows it, without its token, may be the one at this address. */
function isAt({ endpoint: shown, agent }: JsonObject, url: string): boolean {
  const facts = readToken(url);
  return shown === shownUrl(url) && (facts.agent === undefined || agent === facts.agent);
}
