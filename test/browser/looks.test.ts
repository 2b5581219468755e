// Every page, in both languages and both themes, on a desk and on a phone: nothing sticks out, nothing complains, and
// nothing stands in the way of those who do not see it or see it badly.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faulty } from '../support/upstream.ts';
import {
  barriers,
  type House,
  openDashboard,
  overflow,
  screenshot,
  startBrowser,
  startHouse,
} from './support/dashboard.ts';

const plain = new URL('../servers/plain/stdio.mjs', import.meta.url).pathname;
const CONFIG = {
  upstreams: {
    plain: { command: process.execPath, args: [plain] },
    search: faulty('healthy'),
    files: faulty('many-tools'),
    broken: { ...faulty('crashes-at-every-start'), description: 'never comes up' },
    remote: { url: 'http://127.0.0.1:9/a-rather-long-address/that-nobody-answers/mcp' },
    off: { ...faulty('healthy'), enabled: false },
  },
  endpoints: [{ name: 'toy', url: 'ws://127.0.0.1:9/mcp?token=not-a-real-token' }],
  keys: [{ name: 'reader', key: 'key-that-may-read', roles: ['read'] }],
  storage: { callLog: { arguments: 'redacted' } },
};
const PAGES = [
  'overview',
  'calls',
  'alerts',
  'alerts/history',
  'alerts/rules',
  'alerts/silences',
  'sessions',
  'upstreams',
  'upstreams/plain',
  'upstreams/broken',
  'upstreams/plain/logs',
  'upstreams/plain/processes',
  'upstreams/plain/settings',
  'endpoints',
  'approvals',
  'logins',
  'tools?upstream=plain',
  'tools/plain/echo',
  'resources',
  'prompts',
  'configuration',
  'configuration/history',
  'configuration/effective',
  'settings',
  'nowhere',
];

let browser: Browser;
let house: House;
beforeAll(async () => {
  [browser, house] = await Promise.all([startBrowser(), startHouse({ config: CONFIG })]);
  await house.upstreamsIn(['plain', 'search', 'files']);
  for (let n = 0; n < 30; n++) await house.api('POST', '/tools/plain/echo/call', { arguments: { text: `call ${n}` } });
});
afterAll(async () => {
  await browser?.close();
  await house?.stop();
});

const LOOKS = [
  { name: 'desk-light-en', width: 1280, height: 900, colorScheme: 'light', locale: 'en-GB' },
  { name: 'desk-dark-zh', width: 1280, height: 900, colorScheme: 'dark', locale: 'zh-CN' },
  { name: 'phone-light-zh', width: 375, height: 780, colorScheme: 'light', locale: 'zh-CN' },
  { name: 'phone-dark-en', width: 375, height: 780, colorScheme: 'dark', locale: 'en-GB' },
] as const;

describe.each(LOOKS)('$name', ({ name, width, height, colorScheme, locale }) => {
  it('no page overflows, complains, keeps anybody out, or asks anybody else (A-70)', async () => {
    const dashboard = await openDashboard(browser, house, { viewport: { width, height }, colorScheme, locale });
    const wrong: Record<string, unknown> = {};
    const [{ id }] = (await house.api<{ calls: [{ id: string }] }>('GET', '/calls?limit=1')).calls;
    for (const page of [...PAGES, `calls/${id}`]) {
      await dashboard.goto(page);
      await dashboard.page.waitForLoadState('networkidle').catch(() => undefined);
      const wide = await overflow(dashboard.page);
      const found = [...wide, ...(await barriers(dashboard.page))];
      if (found.length > 0) wrong[page] = found;
      await screenshot(dashboard.page, `${page.replace(/^calls.+/, 'call').replaceAll(/[/?=]/g, '-')}-${name}`, true);
    }
    expect(wrong).toEqual({});
    expect([dashboard.foreign, dashboard.complaints]).toEqual([[], []]);
    await dashboard.close();
  }, 180_000);
});
