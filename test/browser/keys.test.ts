// Keys of callers, made and taken away in the dashboard, and what they then open.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { faulty } from '../support/upstream.ts';
import { type House, openDashboard, screenshot, startBrowser, startHouse } from './support/dashboard.ts';

let browser: Browser;
let house: House;
beforeAll(async () => {
  const config = { upstreams: { healthy: faulty('healthy') } };
  [browser, house] = await Promise.all([startBrowser(), startHouse({ config })]);
  await house.upstreamsIn(['healthy']);
});
afterAll(async () => {
  await browser?.close();
  await house?.stop();
});

/** What a caller with this key is answered. */
async function status(key: string): Promise<number> {
  const { status } = await fetch(`${house.url}/api/v1/upstreams`, { headers: { authorization: `Bearer ${key}` } });
  return status;
}

it('a key is made, shown once, rotated with time to change over, and revoked at once (A-70)', async () => {
  const { page, goto, complaints } = await openDashboard(browser, house);
  const dialog = page.locator('dialog');
  const shown = async (): Promise<string> => {
    await dialog.getByText('shown this once').waitFor();
    return String(await dialog.locator('pre').textContent());
  };
  await goto('settings');
  await page.getByRole('button', { name: 'New key' }).click();
  await dialog.getByLabel('Name').fill('printer');
  await dialog.getByLabel('read', { exact: false }).check();
  await dialog.getByRole('button', { name: 'Add' }).click();
  const first = await shown();
  await screenshot(page, 'key-made');
  expect(await status(first)).toBe(200);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  const row = page.locator('tbody tr', { hasText: 'printer' });
  await row.getByText('read, call').waitFor();
  expect(await page.content()).not.toContain(first);

  await row.getByRole('button', { name: 'Rotate printer' }).click();
  const second = await shown();
  expect(second).not.toBe(first);
  await dialog.getByText('The one before it works until').waitFor();
  expect([await status(first), await status(second)]).toEqual([200, 200]);
  await page.keyboard.press('Escape');

  await row.getByRole('button', { name: 'Revoke printer' }).click();
  await screenshot(page, 'key-revoking');
  await dialog.getByRole('button', { name: 'Revoke' }).click();
  await row.waitFor({ state: 'detached' });
  expect([await status(first), await status(second)]).toEqual([403, 403]);
  expect(complaints).toEqual([]);
});
