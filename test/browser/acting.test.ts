// What an operator does in the dashboard: tries tools, changes the configuration, looks calls up, is told of faults.
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { server } from '../openapi/support/house.ts';
import { faulty } from '../support/upstream.ts';
import {
  type Dashboard,
  type House,
  openDashboard,
  screenshot,
  startBrowser,
  startHouse,
} from './support/dashboard.ts';

const plain = new URL('../servers/plain/stdio.mjs', import.meta.url).pathname;
const CONFIG = {
  upstreams: {
    time: server(),
    plain: { command: process.execPath, args: [plain] },
    broken: faulty('crashes-at-every-start'),
  },
  storage: { callLog: { arguments: 'redacted' } },
  monitor: { rules: [{ name: 'upstream_down', warning: 1, error: 500, critical: 1000, window: '5s' }] },
};

let browser: Browser;
let house: House;
let dashboard: Dashboard;
let page: Page;
beforeAll(async () => {
  [browser, house] = await Promise.all([startBrowser(), startHouse({ config: CONFIG })]);
  await house.upstreamsIn(['time', 'plain']);
  dashboard = await openDashboard(browser, house);
  page = dashboard.page;
});
afterAll(async () => {
  await browser?.close();
  await house?.stop();
});

describe('tools', () => {
  it('one is found, tried with a form made from its schema, and switched off and on (A-70)', async () => {
    await dashboard.goto('tools');
    await page.getByLabel('Search tools').fill('current time');
    await page.getByRole('link', { name: 'get_current_time' }).click();
    await page.getByLabel('timezone').fill('Asia/Tokyo');
    await page.getByRole('button', { name: 'Run' }).click();
    const result = page.getByRole('region', { name: 'Result' });
    await result.getByText('Asia/Tokyo').first().waitFor();
    await screenshot(page, 'tool-tried');
    await page.getByRole('button', { name: 'JSON' }).click();
    await page.getByLabel('Arguments').fill('{');
    await page.getByRole('button', { name: 'Run' }).click();
    await page.getByText('not valid JSON').waitFor();
    await page.getByLabel('Arguments').fill('{"timezone": "Asia/Seoul"}');
    await page.getByRole('button', { name: 'Run' }).click();
    await result.getByText('Asia/Seoul').first().waitFor();

    await dashboard.goto('tools?q=current');
    const toggle = page.getByRole('switch', { name: 'Offer get_current_time' });
    await toggle.click();
    const offered = () =>
      house.api<{ enabled: boolean }>('GET', '/tools/time/get_current_time').then(({ enabled }) => enabled);
    await expect.poll(offered).toBe(false);
    await expect.poll(() => toggle.getAttribute('aria-checked')).toBe('false');
    await toggle.click();
    await expect.poll(offered).toBe(true);
  });
});

describe('calls', () => {
  it('one is searched for, looked at and made again (A-71)', async () => {
    await house.api('POST', '/tools/plain/echo/call', { arguments: { text: 'find-me' } });
    await dashboard.goto('calls');
    await page.getByLabel('Search calls').fill('echo');
    await page.getByLabel('Upstream').selectOption('plain');
    await page.locator('tbody tr', { hasText: 'echo' }).first().waitFor();
    await page.getByLabel('Outcome').selectOption('fault');
    await page.getByText('No call matches.').waitFor();
    await page.getByLabel('Outcome').selectOption('');
    await page.locator('tbody tr').first().getByRole('link').click();
    await page.getByText('Where the time went').waitFor();
    expect(await page.locator('main').textContent()).toContain('find-me');
    await page.getByRole('button', { name: 'Replay' }).click();
    await page.getByRole('region', { name: 'Replayed' }).getByText('find-me').first().waitFor();
    await screenshot(page, 'call-replayed');
  });
});

/** The text of the editor, replaced as a person would. */
async function write(text: string): Promise<void> {
  const content = page.locator('.cm-content');
  await content.click();
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText(text);
}

describe('the configuration', () => {
  const written = (extra: object): string =>
    JSON.stringify({ ...CONFIG, upstreams: { ...CONFIG.upstreams, ...extra } }, null, 2);

  it('is completed from its schema, planned, applied, refused with the place, and rolled back (C-60, C-63)', async () => {
    await dashboard.goto('configuration');
    await page.locator('.cm-content').waitFor();
    await write('{\n  "upstreams": {\n    "x": { "comm');
    await page.keyboard.press('Control+Space');
    await page.locator('.cm-tooltip-autocomplete').getByText('command').waitFor();
    await screenshot(page, 'configuration-completion');
    await page.keyboard.press('Escape');

    await write(written({ extra: faulty('healthy') }));
    await page.getByRole('button', { name: 'Preview' }).click();
    const plan = page.getByRole('region', { name: 'What this change does' });
    expect(await plan.textContent()).toContain('extra');
    await screenshot(page, 'configuration-plan');
    expect((await house.health()).upstreams.extra).toBeUndefined();
    await page.getByLabel('Reason for the change').fill('one more');
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.getByText('is in force').first().waitFor();
    await house.upstreamsIn(['extra']);

    await page.locator('.cm-content').waitFor();
    await write(written({ wrong: { comand: 'x' } }));
    await page.getByRole('button', { name: 'Apply' }).click();
    const refused = page.getByRole('alert');
    await refused.waitFor();
    expect(await refused.textContent()).toMatch(/the running one stays[\s\S]*line \d+[\s\S]*comand/);
    await page.locator('.cm-lint-marker-error').first().waitFor();
    await screenshot(page, 'configuration-refused');

    await dashboard.goto('configuration/history');
    await page.getByText('one more').waitFor();
    await page.getByRole('button', { name: 'Compare' }).first().click();
    await page.locator('dialog .difference .come').first().waitFor();
    await screenshot(page, 'configuration-compare');
    await page.keyboard.press('Escape');
    await page.locator('dialog').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Roll back' }).last().click();
    await page.locator('dialog').getByRole('button', { name: 'Roll back' }).click();
    await expect.poll(async () => (await house.health()).upstreams.extra).toBeUndefined();
  });
});

describe('adding upstreams (X-14)', () => {
  it('from a pasted command line, and from a catalogue file', async () => {
    await dashboard.goto('upstreams');
    await page.getByRole('button', { name: 'Add upstream' }).click();
    const dialog = page.locator('dialog');
    const { command, args } = faulty('healthy');
    await dialog.getByLabel('JSON, a command line').fill(`A_KEY="a b" ${command} ${args.join(' ')}`);
    await dialog.getByRole('button', { name: 'Read' }).click();
    await dialog.getByLabel('Name').fill('pasted');
    await screenshot(page, 'add-pasted');
    await dialog.getByRole('button', { name: 'Add 1' }).click();
    await dialog.waitFor({ state: 'detached' });
    await house.upstreamsIn(['pasted']);
    await page.locator('[data-row="pasted"] .badge.good').waitFor();

    await page.getByRole('button', { name: 'Add upstream' }).click();
    await dialog.getByRole('button', { name: 'File' }).click();
    const catalogue = { mcpServers: { one: faulty('healthy'), two: faulty('healthy') } };
    await dialog.getByLabel('Catalogue').setInputFiles({
      name: 'servers.json',
      mimeType: 'application/json',
      buffer: Buffer.from(JSON.stringify(catalogue)),
    });
    await dialog.getByLabel('Add this one').last().uncheck();
    await dialog.getByRole('button', { name: 'Add 1' }).click();
    await house.upstreamsIn(['one']);
    expect((await house.health()).upstreams.two).toBeUndefined();
  });

  it('by form, one argument per field', async () => {
    await page.getByRole('button', { name: 'Add upstream' }).click();
    const dialog = page.locator('dialog');
    await dialog.getByRole('button', { name: 'Form' }).click();
    await dialog.getByLabel('Name', { exact: false }).first().fill('formed');
    const { command, args } = faulty('healthy');
    await dialog.getByLabel('Command').fill(command);
    for (const [index, one] of args.entries()) {
      if (index > 0)
        await dialog.getByRole('group', { name: 'Arguments' }).getByRole('button', { name: 'Add' }).click();
      await dialog.getByLabel(`Arguments ${index + 1}`, { exact: true }).fill(one);
    }
    await dialog.getByRole('button', { name: 'Add', exact: true }).last().click();
    await house.upstreamsIn(['formed']);
  });
});

describe('alerts', () => {
  it('one fires on a real fault, is silenced, and is over when the fault is (B-31)', async () => {
    await dashboard.goto('alerts');
    const row = page.locator('tbody tr', { hasText: 'broken' });
    await row.waitFor({ timeout: 30_000 });
    await screenshot(page, 'alert-open');
    await row.getByRole('button', { name: 'Silence' }).click();
    await page.locator('dialog').getByLabel('Reason').fill('known');
    await page.locator('dialog').getByRole('button', { name: 'Silence' }).click();
    await row.getByText('silenced').waitFor();
    await house.api('POST', '/upstreams/broken/disable');
    await row.waitFor({ state: 'detached', timeout: 40_000 });
    await dashboard.goto('alerts/history');
    await row.first().waitFor();
  });

  it('a rule is changed and set back', async () => {
    await dashboard.goto('alerts/rules');
    await page.getByRole('button', { name: 'Edit slow_response_time' }).click();
    await page.locator('dialog').getByLabel('warning').fill('1234');
    await page.locator('dialog').getByRole('button', { name: 'Save' }).click();
    await page.locator('[data-row="slow_response_time"]').getByText('1,234').waitFor();
    await page.getByRole('button', { name: 'Reset slow_response_time' }).click();
    await page.locator('[data-row="slow_response_time"]').getByText('5,000').waitFor();
  });
});

it('nothing was refused by the policy, and nobody else was asked', () => {
  // The browser itself reports answers like 422, which were meant.
  expect(dashboard.complaints.filter((text) => !text.startsWith('Failed to load resource'))).toEqual([]);
  expect(dashboard.foreign).toEqual([]);
});
