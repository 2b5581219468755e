// Resources and prompts of a real server, read and filled in in the dashboard; a pause, and a test message.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  type Dashboard,
  type House,
  openDashboard,
  screenshot,
  startBrowser,
  startHouse,
} from './support/dashboard.ts';

const everything = new URL('../../node_modules/@modelcontextprotocol/server-everything/dist/index.js', import.meta.url)
  .pathname;

let browser: Browser;
let receiver: Server;
const received: { event: string }[] = [];
let house: House;
let dashboard: Dashboard;
beforeAll(async () => {
  receiver = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (piece: string) => {
      body += piece;
    });
    request.on('end', () => {
      received.push(JSON.parse(body));
      response.end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/alerts`;
  const config = {
    upstreams: { all: { command: process.execPath, args: [everything, 'stdio'], timeouts: { ready: '1s' } } },
    monitor: { sinks: [{ name: 'pager', type: 'webhook', url }] },
  };
  [browser, house] = await Promise.all([startBrowser(), startHouse({ config })]);
  await house.upstreamsIn(['all']);
  dashboard = await openDashboard(browser, house);
});
afterAll(async () => {
  await browser?.close();
  await house?.stop();
  receiver?.closeAllConnections();
  await new Promise((resolve) => receiver?.close(resolve));
});

it('a resource is found and read, a template filled in (A-70)', async () => {
  const { page, goto } = dashboard;
  const dialog = page.locator('dialog');
  const result = dialog.getByRole('region', { name: 'Result' });
  await goto('resources');
  await page.getByLabel('Search resources').fill('features');
  await page.getByRole('button', { name: /^Read .*features/ }).click();
  await dialog.getByRole('button', { name: 'Read' }).click();
  await result.getByText('Everything Server').first().waitFor();
  await screenshot(page, 'resource-read');
  await page.keyboard.press('Escape');

  await page.getByLabel('Search resources').fill('');
  await page.getByRole('button', { name: /^Read .*dynamic\/text/ }).click();
  await dialog.getByLabel('URI').fill('demo://resource/dynamic/text/7');
  await page.keyboard.press('Enter');
  await result.getByText('Resource 7').first().waitFor();
  await page.keyboard.press('Escape');
});

it('a picture in a result is shown', async () => {
  const { page, goto } = dashboard;
  await goto('tools/all/get-tiny-image');
  await page.getByRole('button', { name: 'Run' }).click();
  const picture = page.getByAltText('Picture of the result');
  await picture.waitFor();
  const width = `document.querySelector('.tried img').decode().then(() => document.querySelector('.tried img').naturalWidth)`;
  expect(await page.evaluate(width)).toBeGreaterThan(1);
  await screenshot(page, 'tool-picture', true);
});

it('a prompt is filled in (A-70)', async () => {
  const { page, goto } = dashboard;
  const dialog = page.locator('dialog');
  await goto('prompts');
  await page.getByRole('button', { name: 'Fill in args-prompt' }).click();
  await dialog.getByLabel('city').fill('Utrecht');
  await dialog.getByRole('button', { name: 'Fill in' }).click();
  await dialog.getByRole('region', { name: 'Result' }).getByText('Utrecht').first().waitFor();
  await screenshot(page, 'prompt-filled');
  await page.keyboard.press('Escape');
});

it('calls of a paused upstream wait, are refused with who paused it, and go on after the resume (B-16)', async () => {
  const { page, goto } = dashboard;
  const call = () =>
    house.api<{ error?: { message: string } }>('POST', '/tools/all/echo/call', { arguments: { message: 'hello' } });
  await goto('upstreams');
  const row = page.locator('[data-row="all"]');
  await row.getByRole('button', { name: 'Pause' }).click();
  await row.getByText('paused by admin').waitFor();
  await screenshot(page, 'upstream-paused');
  await expect(call()).rejects.toThrow(/503.*all was paused by admin/);
  const waiting = call();
  await row.getByRole('button', { name: 'Resume' }).click();
  expect(await waiting).toHaveProperty('result');
  await row.getByText('paused by admin').waitFor({ state: 'detached' });
});

it('a test message reaches the receiver, and the dashboard says so (B-31)', async () => {
  const { page, goto } = dashboard;
  await goto('alerts');
  await page.getByRole('button', { name: 'Send a test' }).click();
  await page.getByText('pager took the test message').waitFor();
  expect(received).toHaveLength(1);
  receiver.closeAllConnections();
  await new Promise((resolve) => receiver.close(resolve));
  await page.getByRole('button', { name: 'Send a test' }).click();
  await page.locator('.toast.bad', { hasText: 'pager' }).waitFor();
  await screenshot(page, 'sink-away');
});

it('nothing was refused by the policy, and nobody else was asked', () => {
  expect([dashboard.complaints, dashboard.foreign]).toEqual([[], []]);
});
