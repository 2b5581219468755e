// A gateway, a browser, and a page of the dashboard that tells what it should not have done.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { type Gateway, type GatewayOptions, startGateway } from '../../support/gateway.ts';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Where screenshots go, if anybody wants them: `SCREENSHOTS=<folder>`. */
const SCREENSHOTS = process.env.SCREENSHOTS;

export async function startBrowser(): Promise<Browser> {
  if (!existsSync(CHROMIUM)) throw new Error(`there is no ${CHROMIUM}: apt-get install chromium, or set CHROMIUM`);
  return await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--lang=en-GB'] });
}

export interface House extends Gateway {
  readonly token: string;
  /** Asks the management API as an admin. */
  api<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** A link with a code that is good once. */
  link(): Promise<string>;
}

export async function startHouse(options: GatewayOptions): Promise<House> {
  const gateway = await startGateway(options);
  const key = readFileSync(join(gateway.dataDir, 'admin-token'), 'utf8').trim();
  const api = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await fetch(`${gateway.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(method !== 'GET' && { body: JSON.stringify(body ?? {}) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  };
  // Not spread: what the gateway shows changes.
  return Object.assign(Object.create(gateway) as Gateway, {
    token: key,
    api,
    link: async () => (await api<{ url: string }>('POST', '/login/codes')).url,
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  });
}

export interface Dashboard {
  readonly page: Page;
  /** Requests to anywhere but the gateway. */
  readonly foreign: string[];
  /** Errors of the console, of scripts, and of the policy. */
  readonly complaints: string[];
  goto(page: string): Promise<void>;
  close(): Promise<void>;
}

/** A browser window of its own, not logged in. */
export async function openWindow(
  browser: Browser,
  origin: string,
  options: BrowserContextOptions = {},
): Promise<Dashboard> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-GB', ...options });
  const page = await context.newPage();
  const foreign: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(origin) && !request.url().startsWith('data:')) foreign.push(request.url());
  });
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  return {
    page,
    foreign,
    complaints,
    goto: async (name) => {
      await page.evaluate(`location.hash = ${JSON.stringify(`#/${name}`)}`);
      await page.locator('main#content').waitFor();
    },
    close: () => context.close(),
  };
}

/** The same, logged in by a link. */
export async function openDashboard(
  browser: Browser,
  house: House,
  options: BrowserContextOptions = {},
): Promise<Dashboard> {
  const window = await openWindow(browser, house.url, options);
  await window.page.goto(await house.link());
  await window.page.locator('main#content').waitFor();
  return window;
}

export async function screenshot(page: Page, name: string, fullPage = false): Promise<void> {
  if (SCREENSHOTS === undefined) return;
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage });
}

/** How far the page is wider than its window, in pixels, and what makes it so. */
export async function overflow(page: Page): Promise<string[]> {
  return await page.evaluate(`(() => {
    const room = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= room) return [];
    return [...document.querySelectorAll('body *')]
      .map((one) => [one, Math.round(one.getBoundingClientRect().right)])
      .filter(([, right]) => right > room + 1)
      .slice(0, 5)
      .map(([one, right]) => one.tagName + '.' + one.getAttribute('class') + ': ' + right + ' > ' + room);
  })()`);
}

const AXE = readFileSync(new URL('../../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');

/** What axe finds wrong with the page for people who do not see it, or see it badly: rule, and where first. */
export async function barriers(page: Page): Promise<string[]> {
  if (!(await page.evaluate(`'axe' in globalThis`))) await page.evaluate(AXE);
  return await page.evaluate(
    `axe.run(document).then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes[0].html.slice(0, 200)))`,
  );
}
