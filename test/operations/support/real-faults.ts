// What tests of alerts on real faults have in common: the gateway they look at, and what they see there.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { waitFor } from '../../support/wait.ts';
import { ADMIN, type AdminHouse } from './admin-house.ts';

export const admin = { authorization: `Bearer ${ADMIN}` };

export interface Alert {
  id: string;
  rule: string;
  subject: string;
  severity: string;
  message: string;
  action?: string;
}

/** The alerts that are open after a look of now. */
export async function open(house: AdminHouse): Promise<Alert[]> {
  await house.operations.look();
  return ((await house.get('/api/v1/alerts', admin)).json as { open: Alert[] }).open;
}

export async function severityOf(house: AdminHouse, rule: string): Promise<string | undefined> {
  return (await open(house)).find((one) => one.rule === rule)?.severity;
}

const SEVERITIES = [undefined, 'warning', 'error', 'critical'];
const rank = (severity: string | undefined): number => SEVERITIES.indexOf(severity);

/** Looks until the rule has an alert of this severity, or of a higher one, which a machine that is slow may add. */
export async function becomes(house: AdminHouse, rule: string, severity: string): Promise<void> {
  await waitFor(async () => rank(await severityOf(house, rule)) >= rank(severity), {
    within: 60_000,
    every: 50,
    what: `${rule} ${severity}`,
  });
}

/** The alert ends by itself. */
export async function over(house: AdminHouse, rule: string): Promise<void> {
  await waitFor(async () => (await severityOf(house, rule)) === undefined, {
    within: 100_000,
    every: 250,
    what: `the end of ${rule}`,
  });
}

/** What the event stream was told of a rule, in order. */
export function told(house: AdminHouse, wanted: string): string[] {
  return house.seen.flatMap((event) =>
    'rule' in event && event.rule === wanted ? [`${event.type.slice('alert.'.length)} ${event.severity}`] : [],
  );
}

export function call(house: AdminHouse, tool: string, args: object): ReturnType<AdminHouse['send']> {
  return house.send('POST', `/api/v1/tools/a/${tool}/call`, { arguments: args }, admin);
}

/** The alerts of a whole gateway that was started with `--admin-key`. */
export async function alertsOf(url: string): Promise<{ open: Alert[]; history: Alert[] }> {
  return (await (await fetch(`${url}/api/v1/alerts`, { headers: admin })).json()) as {
    open: Alert[];
    history: Alert[];
  };
}

/** A webhook, and what it was told. */
export async function startHook() {
  const got: { event: string; alert: Alert }[] = [];
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      got.push(JSON.parse(Buffer.concat(pieces).toString()) as (typeof got)[number]);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    got,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
