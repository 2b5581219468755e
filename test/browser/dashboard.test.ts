// The dashboard in a real browser, over a real gateway whose upstreams really die.

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faulty } from '../support/upstream.ts';
import {
  type Dashboard,
  type House,
  openDashboard,
  openWindow,
  screenshot,
  startBrowser,
  startHouse,
} from './support/dashboard.ts';

const plain = new URL('../servers/plain/stdio.mjs', import.meta.url).pathname;
const CONFIG = {
  upstreams: {
    plain: { command: process.execPath, args: [plain] },
    healthy: faulty('healthy'),
    broken: faulty('crashes-at-every-start'),
    off: { ...faulty('healthy'), enabled: false },
  },
  keys: [
    { name: 'reader', key: 'key-that-may-read', roles: ['read'] },
    { name: 'boss', key: 'key-that-may-all', roles: ['read', 'call', 'admin'] },
  ],
  storage: { callLog: { arguments: 'redacted' } },
};

/** Run in the page: writes down every state that its row of `plain` shows, and when. */
const WATCH = `
  globalThis.seen = [];
  new MutationObserver(() => {
    const text = document.querySelector('[data-row="plain"] .badge')?.textContent ?? '';
    if (seen.at(-1)?.[1] !== text) seen.push([Date.now(), text]);
  }).observe(document.body, { subtree: true, childList: true, characterData: true });
`;

let browser: Browser;
let house: House;
beforeAll(async () => {
  [browser, house] = await Promise.all([startBrowser(), startHouse({ config: CONFIG })]);
  await house.upstreamsIn(['plain', 'healthy']);
});
afterAll(async () => {
  await browser?.close();
  await house?.stop();
});

describe('logging in (12.3)', () => {
  it('by the code of a link, which works once and does not stay in the address', async () => {
    const link = await house.link();
    const one = await openWindow(browser, house.url);
    await one.page.goto(link);
    await one.page.getByRole('heading', { name: 'Overview' }).waitFor();
    expect(one.page.url()).toBe(`${house.url}/ui#/`);
    const two = await openWindow(browser, house.url);
    await two.page.goto(link);
    await expect.poll(() => two.page.getByRole('alert').textContent()).toContain('used already or is too old');
    expect([one.foreign, one.complaints]).toEqual([[], []]);
    await Promise.all([one.close(), two.close()]);
  });

  it('by a key; a wrong one is told what to do, and `/` leads there', async () => {
    const { page, close } = await openWindow(browser, house.url);
    await page.goto(`${house.url}/`);
    expect(page.url()).toContain('/ui');
    await page.getByLabel('Key').fill('wrong');
    await page.getByRole('button', { name: 'Log in' }).click();
    await expect.poll(() => page.getByRole('alert').textContent()).toContain('not known');
    await screenshot(page, 'login-wrong');
    await page.getByLabel('Key').fill('key-that-may-all');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel('Key').waitFor();
    await close();
  });

  it('with a key that may only read there is nothing to change', async () => {
    const { page, close, complaints } = await openWindow(browser, house.url);
    await page.goto(`${house.url}/ui`);
    await page.getByLabel('Key').fill('key-that-may-read');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('link', { name: 'Upstreams' }).first().click();
    await page.locator('[data-row="plain"]').waitFor();
    expect(await page.getByRole('button', { name: 'Restart', exact: true }).count()).toBe(0);
    expect(await page.getByRole('link', { name: 'Configuration' }).count()).toBe(0);
    // The browser itself complains of the 401 before the login.
    expect(complaints.filter((text) => !text.includes('401'))).toEqual([]);
    await close();
  });
});

describe('upstreams live (A-70)', () => {
  let dashboard: Dashboard;
  beforeAll(async () => {
    dashboard = await openDashboard(browser, house);
    await dashboard.goto('upstreams');
    await dashboard.page.locator('[data-row="plain"] .badge.good').waitFor();
  });
  afterAll(() => dashboard.close());

  it('shows within a second that one died, and that it is back', async () => {
    const { page } = dashboard;
    const { pid } = await house.api<{ pid: number }>('GET', '/upstreams/plain');
    const row = page.locator('[data-row="plain"]');
    // Seen by the page itself, so that the time of our own questions does not count.
    await page.evaluate(WATCH);
    const killed = Date.now();
    process.kill(pid, 'SIGKILL');
    await row.locator('.badge.good').waitFor();
    await expect.poll(() => house.api<{ pid: number }>('GET', '/upstreams/plain').then((now) => now.pid)).not.toBe(pid);
    await row.locator('.badge.good').waitFor();
    const seen = (await page.evaluate('seen')) as [number, string][];
    const gone = seen.find(([, text]) => text !== 'ready');
    expect(gone, JSON.stringify(seen)).toBeDefined();
    expect((gone?.[0] ?? 0) - killed).toBeLessThan(20_000);
    await expect.poll(() => row.locator('.badge').first().textContent()).toBe('ready');
  });

  it('restarts, pauses and resumes', async () => {
    const { page } = dashboard;
    const row = page.locator('[data-row="healthy"]');
    const before = await house.api<{ pid: number }>('GET', '/upstreams/healthy');
    await row.getByRole('button', { name: 'Restart' }).click();
    await expect
      .poll(() => house.api<{ pid?: number; state: string }>('GET', '/upstreams/healthy'), { timeout: 10_000 })
      .toMatchObject({ state: 'ready', pid: expect.toSatisfy((pid: number) => pid !== before.pid) });
    await row.getByRole('button', { name: 'Pause' }).click();
    await row.getByText('paused by').waitFor();
    expect(await house.api('GET', '/upstreams/healthy')).toMatchObject({ paused: { by: 'admin' } });
    await row.getByRole('button', { name: 'Resume' }).click();
    await row.getByText('paused by').waitFor({ state: 'detached' });
    expect([dashboard.foreign, dashboard.complaints]).toEqual([[], []]);
  });
});

it('says in Chinese why an upstream is away, and what to do (10.33)', async () => {
  const { page, goto, close, complaints } = await openDashboard(browser, house, { locale: 'zh-CN' });
  await goto('upstreams');
  await page.locator('[data-row="broken"]').getByText('上游“broken”已退出，退出码 1').waitFor();
  await goto('upstreams/broken');
  await page.getByText('请查看其 stderr 的最后几行').waitFor();
  await goto('overview');
  await page.getByText('broken：进程自行退出').waitFor();
  await screenshot(page, 'overview-zh-broken', true);
  await page.getByRole('button', { name: 'Switch to English' }).click();
  await page.getByText('broken: Its process ends by itself').waitFor();
  expect(complaints).toEqual([]);
  await close();
});
