// Endpoints in the dashboard, over a simulator of the cloud that they dial.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CloudSimulator, tokenFor } from '../xiaozhi/simulators/cloud.ts';
import { type House, openDashboard, screenshot, startBrowser, startHouse } from './support/dashboard.ts';

const plain = new URL('../servers/plain/stdio.mjs', import.meta.url).pathname;
const [first, second] = [tokenFor(1), tokenFor(2)];

let browser: Browser;
let cloud: CloudSimulator;
let house: House;
beforeAll(async () => {
  cloud = await CloudSimulator.start({ deadline: 5_000, followsChanges: true });
  const config = { upstreams: { plain: { command: process.execPath, args: [plain] } } };
  [browser, house] = await Promise.all([startBrowser(), startHouse({ config })]);
  await house.upstreamsIn(['plain']);
});
afterAll(async () => {
  await browser?.close();
  await house?.stop();
  await cloud?.stop();
});

it('one is added, connected, given a new address, disconnected and removed; no token is shown (A-70, X-67)', async () => {
  const { page, goto, complaints, foreign } = await openDashboard(browser, house);
  const dialog = page.locator('dialog');
  const row = page.locator('[data-row="toy"]');
  const open = (token: string) => expect.poll(() => cloud.of(token).length, { timeout: 10_000 });
  await goto('endpoints');
  await page.getByText('No endpoint is configured.').waitFor();
  await page.getByRole('button', { name: 'Add endpoint' }).click();
  await dialog.getByLabel('Address').fill(cloud.url(first));
  await dialog.getByLabel('Name').fill('toy');
  await dialog.getByRole('button', { name: 'Add' }).click();
  await row.locator('.badge.good').waitFor();
  await open(first).toBe(1);
  await row.getByRole('cell', { name: '100', exact: true }).waitFor();
  await cloud.of(first)[0]?.text('plain__echo', { text: 'hello' });
  await row.getByRole('cell', { name: '1', exact: true }).waitFor();
  await screenshot(page, 'endpoint-connected');

  await row.getByRole('button', { name: 'New address toy' }).click();
  await dialog.getByLabel('Address').fill(cloud.url(second));
  await screenshot(page, 'endpoint-replacing');
  await dialog.getByRole('button', { name: 'New address' }).click();
  await open(second).toBe(1);
  await open(first).toBe(0);
  await row.locator('.badge.good').waitFor();

  await row.getByRole('button', { name: 'Disconnect' }).click();
  await open(second).toBe(0);
  await row.getByRole('button', { name: 'Connect', exact: true }).click();
  await open(second).toBe(1);
  await row.locator('.badge.good').waitFor();
  const text = await page.content();
  for (const token of [first, second]) expect(text).not.toContain(token.split('.')[1]);

  await row.getByRole('button', { name: 'Remove toy' }).click();
  await dialog.getByRole('button', { name: 'Remove' }).click();
  await row.waitFor({ state: 'detached' });
  await open(second).toBe(0);
  expect([complaints, foreign]).toEqual([[], []]);
});
