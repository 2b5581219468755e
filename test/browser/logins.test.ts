// A login at a protected upstream from the dashboard: a real authorization server, which agrees by itself.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AuthorizationServer } from '../support/authorization-server.ts';
import { type ProtectedUpstream, startProtectedUpstream } from '../support/protected-upstream.ts';
import { type House, openDashboard, screenshot, startBrowser, startHouse } from './support/dashboard.ts';

let browser: Browser;
let server: AuthorizationServer;
let upstream: ProtectedUpstream;
let house: House;
beforeAll(async () => {
  server = await AuthorizationServer.start();
  upstream = await startProtectedUpstream(server);
  const up = { url: upstream.url, transport: 'streamable-http', oauth: { allowLoopback: true } };
  [browser, house] = await Promise.all([startBrowser(), startHouse({ config: { upstreams: { up } } })]);
  await house.upstreamsIn(['up'], 'needs_auth');
});
afterAll(async () => {
  await browser?.close();
  await house?.stop();
  await upstream?.close();
  await server?.close();
});

it('an upstream that needs a login is logged in to, used, and logged out of (A-70, F-H24)', async () => {
  const { page, goto, complaints, foreign } = await openDashboard(browser, house);
  await goto('logins');
  const row = page.locator('[data-row="up"]');
  await row.getByText('login needed').waitFor();
  await screenshot(page, 'logins-needed', true);
  const opened = page.waitForEvent('popup');
  await row.getByRole('button', { name: 'Log in up' }).click();
  const tab = await opened;
  await tab.getByText('logged in to up').waitFor();
  await screenshot(tab, 'logins-done');
  await tab.close();
  await row.locator('.badge.good').waitFor();
  expect(server.count('GET /authorize')).toBe(1);
  await house.api('POST', '/tools/up/echo/call', { arguments: {} });
  expect(upstream.calls).toEqual(['echo']);

  await row.getByRole('button', { name: 'Log out up' }).click();
  await row.locator('.badge.warn').waitFor();
  await house.upstreamsIn(['up'], 'needs_auth');
  expect(server.count('POST /revoke')).toBe(1);
  expect([complaints, foreign]).toEqual([[], []]);
});
