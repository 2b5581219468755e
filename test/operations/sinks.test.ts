// What a webhook and a command really get, and what happens when they do not take it.
import { createHmac } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SinkConfig } from '../../src/config/schema-monitor.ts';
import { EventStream, type GatewayEvent } from '../../src/core/events.ts';
import type { AlertInfo } from '../../src/core/ports.ts';
import { createRedactor } from '../../src/core/redact.ts';
import { Sinks } from '../../src/operations/sinks.ts';
import { withTempDir } from '../support/temp-dir.ts';
import { configOf } from './support/fixture.ts';

interface Received {
  path: string;
  headers: IncomingMessage['headers'];
  body: string;
}

let server: Server;
let url: string;
let received: Received[];
/** What the receiver answers, one after the other; the last one stays. */
let answers: { status: number; body?: string }[];
let sinks: Sinks | undefined;
const seen: GatewayEvent[] = [];

beforeEach(async () => {
  received = [];
  answers = [{ status: 200 }];
  seen.length = 0;
  server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (piece: string) => {
      body += piece;
    });
    request.on('end', () => {
      received.push({ path: request.url ?? '', headers: request.headers, body });
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      response.writeHead(answer?.status ?? 200).end(answer?.body ?? '');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  await sinks?.close();
  await new Promise((resolve) => server.close(resolve));
});

const alert: AlertInfo = {
  id: '1',
  rule: 'high_error_rate',
  subject: 'a',
  metric: 'error_percent',
  severity: 'critical',
  message: 'a: failed calls 40 %, above 30',
  value: 40,
  threshold: 30,
  since: '2026-01-02T03:04:05.000Z',
  changed: '2026-01-02T03:04:05.000Z',
  silenced: false,
};

function start(...configured: Partial<SinkConfig>[]): Sinks {
  const { sinks: parsed } = configOf({ monitor: { sinks: configured as SinkConfig[] } }).monitor;
  const events = new EventStream();
  events.subscribe((event) => seen.push(event));
  sinks = new Sinks({ sinks: parsed, events, redact: createRedactor(() => ['T00SECRETPATH']), waits: [10, 10] });
  return sinks;
}
const got = async (count: number): Promise<Received[]> => {
  await expect.poll(() => received.length, { timeout: 30_000 }).toBe(count);
  return received;
};

describe('webhooks', () => {
  it('generic: event and alert as JSON, signed where there is a secret', async () => {
    start({ type: 'webhook', url: `${url}/hook`, secret: 's3cret', headers: { 'x-team': 'ops' } }).tell(
      'raised',
      alert,
    );
    const [one] = await got(1);
    expect(JSON.parse(one?.body ?? '')).toMatchObject({
      event: 'alert.raised',
      alert,
      host: expect.any(String) as string,
    });
    expect(one?.headers).toMatchObject({
      'content-type': 'application/json',
      'x-team': 'ops',
      'x-holdfast-signature': `sha256=${createHmac('sha256', 's3cret')
        .update(one?.body ?? '')
        .digest('hex')}`,
    });
  });

  it.each([
    ['slack', (body: Record<string, never>) => body.text],
    ['wecom', (body: { msgtype: string; text: { content: string } }) => body.msgtype === 'text' && body.text.content],
    [
      'feishu',
      (body: { msg_type: string; content: { text: string } }) => body.msg_type === 'text' && body.content.text,
    ],
    [
      'dingtalk',
      (body: { msgtype: string; text: { content: string } }) => body.msgtype === 'text' && body.text.content,
    ],
  ] as const)('%s: its own shape', async (format, text) => {
    start({ type: 'webhook', url, format }).tell('resolved', alert);
    const [one] = await got(1);
    expect(text(JSON.parse(one?.body ?? '') as never)).toMatch(
      /^✅ Holdfast on .*: resolved: high_error_rate: a: failed calls/,
    );
  });

  it('feishu and dingtalk: signed as they check it', async () => {
    start(
      { type: 'webhook', url: `${url}/f`, format: 'feishu', secret: 'k' },
      { type: 'webhook', url: `${url}/d?access_token=x`, format: 'dingtalk', secret: 'k' },
    ).tell('raised', alert);
    const all = await got(2);
    const feishu = JSON.parse(all.find(({ path }) => path === '/f')?.body ?? '') as { timestamp: string; sign: string };
    expect(feishu.sign).toBe(createHmac('sha256', `${feishu.timestamp}\nk`).update('').digest('base64'));
    const dingtalk = new URL(all.find(({ path }) => path.startsWith('/d'))?.path ?? '', url).searchParams;
    const time = dingtalk.get('timestamp') ?? '';
    expect(Math.abs(Number(time) - Date.now())).toBeLessThan(60_000);
    expect(dingtalk.get('access_token')).toBe('x');
    expect(dingtalk.get('sign')).toBe(createHmac('sha256', 'k').update(`${time}\nk`).digest('base64'));
  });

  it('ntfy: text, with title and priority in headers', async () => {
    start({ type: 'webhook', url: `${url}/topic`, format: 'ntfy' }).tell('raised', alert);
    const [one] = await got(1);
    expect(one?.body).toContain('critical: high_error_rate');
    expect(one?.headers).toMatchObject({
      title: 'Holdfast: critical',
      priority: '5',
      'content-type': 'text/plain; charset=utf-8',
    });
  });

  it('tries again, in order, and tells the log once when nothing helps, without the address', async () => {
    answers = [{ status: 500 }, { status: 503 }, { status: 200 }];
    const running = start({ type: 'webhook', url: `${url}/services/T00SECRETPATH` });
    running.tell('raised', alert);
    running.tell('resolved', alert);
    await got(4);
    expect(received.map(({ body }) => (JSON.parse(body) as { event: string }).event)).toEqual([
      'alert.raised',
      'alert.raised',
      'alert.raised',
      'alert.resolved',
    ]);
    expect(running.failures).toBe(0);
    answers = [{ status: 404 }];
    running.tell('raised', alert);
    running.tell('raised', alert);
    await expect.poll(() => running.failures, { timeout: 30_000 }).toBe(2);
    expect(seen).toEqual([
      { type: 'log', level: 'error', text: 'the sink generic 1 cannot be told of alerts: the receiver answered 404' },
    ]);
  });

  it('takes a refusal that hides behind a 200', async () => {
    answers = [{ status: 200, body: '{"errcode":310000,"errmsg":"sign not match"}' }];
    const running = start({ type: 'webhook', url, format: 'dingtalk', name: 'ops' });
    expect(await running.test(alert)).toEqual({ ops: 'the receiver answered code 310000' });
  });

  it('leaves out what is silenced, not severe enough, or over', async () => {
    const running = start({ type: 'webhook', url, severity: 'error', resolved: false });
    running.tell('raised', { ...alert, silenced: true });
    running.tell('raised', { ...alert, severity: 'warning' });
    running.tell('resolved', alert);
    running.tell('changed', alert);
    expect((await got(1))[0]?.body).toContain('alert.changed');
  });

  it('gives up at once when the gateway stops', async () => {
    const running = start({ type: 'webhook', url: 'http://127.0.0.1:1/' });
    running.tell('raised', alert);
    const began = performance.now();
    await running.close();
    expect(performance.now() - began).toBeLessThan(20_000);
  });
});

describe('commands and the log', () => {
  it('runs a program without a shell, the alert on its stdin', async () => {
    await withTempDir(async (folder) => {
      const script = join(folder, 'told.mjs');
      const out = join(folder, 'out; echo $HOME');
      writeFileSync(
        script,
        `import { readFileSync, writeFileSync } from 'node:fs';
         const told = JSON.parse(readFileSync(0, 'utf8'));
         writeFileSync(process.argv[2], told.event + ' ' + told.alert.rule + ' ' + Object.keys(process.env).includes('VITEST'));`,
      );
      expect(await start({ type: 'command', command: process.execPath, args: [script, out] }).test(alert)).toEqual({
        'command 1': null,
      });
      expect(readFileSync(out, 'utf8')).toBe('test high_error_rate false');
    });
  });

  it('says why a program failed', async () => {
    const running = start(
      { type: 'command', name: 'gone', command: '/no/such/program' },
      { type: 'command', name: 'bad', command: process.execPath, args: ['-e', 'process.exit(3)'] },
    );
    expect(await running.test(alert)).toEqual({
      gone: expect.stringContaining('ENOENT') as string,
      bad: expect.stringContaining('code 3') as string,
    });
  });

  it('writes to the log', async () => {
    expect(await start({ type: 'log' }).test(alert)).toEqual({ 'log 1': null });
    expect(seen[0]).toMatchObject({ type: 'log', level: 'info', data: { alert: { rule: 'high_error_rate' } } });
  });
});
