// The interactive page in a real browser: offline, under its strict policy, open and against a protected gateway.
// Run by `npx vitest run --config vitest.browser.config.ts`; needs a chromium (CHROMIUM, or Debian's).
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type House, server, startHouse } from '../openapi/support/house.ts';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const KEY = 'a-key-of-the-tests';

let browser: Browser;

/** A page that tells what it asked of other hosts, and what its policy refused. */
async function open(url: string, credentials?: { username: string; password: string }) {
  const context = await browser.newContext({
    viewport: { width: 1200, height: 900 },
    ...(credentials !== undefined && { httpCredentials: credentials }),
  });
  const page = await context.newPage();
  const foreign: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(new URL(url).origin) && !request.url().startsWith('data:'))
      foreign.push(request.url());
  });
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(url);
  return { page, foreign, complaints };
}

/** Runs the tool whose path is given through "Try it out", and gives what the page shows as the answer. */
async function tryTool(page: Page, path: string, body?: string): Promise<string | null> {
  const block = page.locator('.opblock', { has: page.locator(`[data-path="${path}"]`) });
  await block.locator('.opblock-summary-control').first().click();
  await block.getByRole('button', { name: 'Try it out' }).click();
  if (body !== undefined) await block.locator('textarea').first().fill(body);
  await block.getByRole('button', { name: 'Execute' }).click();
  return await block.locator('.live-responses-table tbody .response-col_description').first().textContent();
}

beforeAll(async () => {
  if (!existsSync(CHROMIUM)) throw new Error(`there is no ${CHROMIUM}: apt-get install chromium, or set CHROMIUM`);
  if (!existsSync(new URL('../../dist/docs-page/swagger-ui.js.gz', import.meta.url))) {
    execFileSync(process.execPath, [new URL('../../scripts/build-docs-page.mjs', import.meta.url).pathname]);
  }
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
});
afterAll(() => browser.close());

describe('the page of the OpenAPI face', () => {
  let house: House;
  beforeAll(async () => {
    house = await startHouse({ config: { upstreams: { time: server(), other: server('other') } }, key: KEY });
    await house.ready();
  });
  afterAll(() => house.stop());

  it('shows the tools of an upstream and calls one with a typed key', async () => {
    const { page, foreign, complaints } = await open(`${house.url}/time/docs`);
    await page.locator('.opblock').first().waitFor();
    expect(await page.locator('.opblock').count()).toBe(24);
    expect(await tryTool(page, '/no_arguments')).toContain('a key is needed');
    await page.fill('#key', KEY);
    await page.click('#key-form button');
    expect(await page.locator('#key-state').textContent()).toContain('sent with every call');
    expect(await tryTool(page, '/get_current_time', '{"timezone":"Asia/Tokyo"}')).toContain('Asia/Tokyo');
    expect(foreign).toEqual([]);
    expect(complaints.filter((text) => !text.includes('401'))).toEqual([]);
    if (process.env.SCREENSHOT !== undefined) await page.screenshot({ path: process.env.SCREENSHOT });
    await page.context().close();
  });

  it('lists the upstreams on the page over all of them', async () => {
    const { page, foreign, complaints } = await open(`${house.url}/docs`);
    await page.locator('.opblock').first().waitFor();
    expect(await page.locator('header nav a').allTextContents()).toEqual(['time', 'other']);
    if (process.env.SCREENSHOT_ROOT !== undefined) await page.screenshot({ path: process.env.SCREENSHOT_ROOT });
    await page.locator('header nav a').first().click();
    await page.waitForURL('**/time/docs');
    await page.locator('.opblock').first().waitFor();
    expect([foreign, complaints]).toEqual([[], []]);
    await page.context().close();
  });
});

it('asks for the key itself where documents are protected too (--strict-auth)', async () => {
  await using house = await startHouse({ config: { upstreams: { time: server() } }, key: KEY, strictAuth: true });
  await house.ready();
  const { page, complaints } = await open(`${house.url}/time/docs`, { username: 'anybody', password: KEY });
  await page.locator('.opblock').first().waitFor();
  expect(await tryTool(page, '/no_arguments')).toContain('plain words');
  expect(complaints).toEqual([]);
  await page.context().close();
});
