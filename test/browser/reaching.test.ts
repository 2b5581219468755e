// The dashboard for everybody: by keyboard alone, in both languages, light and dark, and after the gateway was away.
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTempDir, removeDir } from '../support/temp-dir.ts';
import { faulty } from '../support/upstream.ts';
import { type Dashboard, type House, openDashboard, startBrowser, startHouse } from './support/dashboard.ts';

const CONFIG = { upstreams: { healthy: faulty('healthy') } };

let browser: Browser;
let house: House;
let dashboard: Dashboard;
let page: Page;
beforeAll(async () => {
  [browser, house] = await Promise.all([startBrowser(), startHouse({ config: CONFIG })]);
  await house.upstreamsIn(['healthy']);
  dashboard = await openDashboard(browser, house);
  page = dashboard.page;
});
afterAll(async () => {
  await browser?.close();
  await house?.stop();
});

/** Presses Tab until what has the focus is called so. */
async function tabTo(name: string | RegExp, most = 60): Promise<void> {
  const seen: string[] = [];
  for (let n = 0; n < most; n++) {
    await page.keyboard.press('Tab');
    const text = String(
      await page.evaluate(
        `(() => { const at = document.activeElement; return at.getAttribute('aria-label') || at.textContent.trim(); })()`,
      ),
    );
    seen.push(text);
    if (typeof name === 'string' ? text === name : name.test(text)) return;
  }
  throw new Error(`${String(name)} cannot be reached by Tab; ${seen.join(' | ')}`);
}

describe('by keyboard alone (A-70)', () => {
  it('one goes to a page, restarts a server, opens and closes a dialog, and sees where one is', async () => {
    await page.keyboard.press('Tab');
    await tabTo(/^Upstreams/);
    const outline = await page.evaluate(`getComputedStyle(document.activeElement).outlineStyle`);
    expect(outline).toBe('solid');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Upstreams', level: 1 }).waitFor();
    await expect.poll(() => page.evaluate('document.activeElement.textContent')).toBe('Upstreams');
    const before = await house.api<{ pid: number }>('GET', '/upstreams/healthy');
    await tabTo('Restart healthy');
    await page.keyboard.press('Space');
    await expect
      .poll(() => house.api<{ pid?: number }>('GET', '/upstreams/healthy').then(({ pid }) => pid), { timeout: 10_000 })
      .not.toBe(before.pid);
    await page.reload();
    await page.locator('[data-row="healthy"]').waitFor();
    await tabTo('Add upstream');
    await page.keyboard.press('Enter');
    await page.locator('dialog[open]').waitFor();
    expect(await page.evaluate(`document.querySelector('dialog').contains(document.activeElement)`)).toBe(true);
    await page.keyboard.press('Escape');
    await page.locator('dialog').waitFor({ state: 'detached' });
    expect(await page.evaluate('document.activeElement.textContent')).toContain('Add upstream');
  });

  it('every control has a name, every field a label, every page one heading', async () => {
    for (const name of ['overview', 'upstreams', 'calls', 'alerts/rules', 'tools', 'endpoints', 'settings']) {
      await dashboard.goto(name);
      await page.locator('h1').waitFor();
      const nameless = await page.evaluate(`[...document.querySelectorAll('button, a, input, select, textarea')]
        .filter((one) => !(one.getAttribute('aria-label') || one.textContent.trim() || one.labels?.length))
        .map((one) => one.outerHTML.slice(0, 120))`);
      expect([name, nameless]).toEqual([name, []]);
      expect(await page.locator('h1').count()).toBe(1);
    }
  });
});

describe('language and theme (10.33)', () => {
  it('are switched at once and kept', async () => {
    await dashboard.goto('overview');
    await page.getByRole('button', { name: '切换到中文' }).click();
    await page.getByRole('heading', { name: '概览', level: 1 }).waitFor();
    expect(await page.evaluate('document.documentElement.lang')).toBe('zh-CN');
    await page.getByRole('button', { name: /^主题/ }).click();
    await page.getByRole('button', { name: /^主题/ }).click();
    expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('dark');
    const ground = await page.evaluate('getComputedStyle(document.body).backgroundColor');
    await page.reload();
    await page.getByRole('heading', { name: '概览', level: 1 }).waitFor();
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe(ground);
    await page.getByRole('button', { name: 'Switch to English' }).click();
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
  });
});

it('speaks the language of the gateway to who has not chosen one (10.33)', async () => {
  await using chinese = await startHouse({ config: { ...CONFIG, locale: 'zh' } });
  const seen = await openDashboard(browser, chinese);
  await seen.page.getByRole('heading', { name: '概览', level: 1 }).waitFor();
  await seen.page.getByRole('button', { name: 'Switch to English' }).click();
  await seen.page.reload();
  await seen.page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
  await seen.close();
});

it('says that the gateway is away, and asks for a login once it is back', async () => {
  const dataDir = await makeTempDir('away');
  const first = await startHouse({ config: CONFIG, dataDir });
  const seen = await openDashboard(browser, first);
  await seen.page.locator('.side').getByText('Live').waitFor();
  await first.stop();
  await seen.page.locator('.side').getByText('Reconnecting').waitFor();
  const second = await startHouse({ config: CONFIG, dataDir, port: first.port });
  // Logins end with the gateway.
  await seen.page.getByText('Your login is over').waitFor({ timeout: 20_000 });
  await seen.close();
  await second.stop();
  await removeDir(dataDir);
});
