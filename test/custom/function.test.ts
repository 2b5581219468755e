// The handler `function` with real modules in real threads.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeTempDir, removeDir } from '../support/temp-dir.ts';
import { faultOf, type Made, make, tool } from './support.ts';

const ok = (text: string) => ({ content: [{ type: 'text', text }] });
const bad = (text: string) => ({ ...ok(text), isError: true });

async function run(source: string, more: object = {}, name = 'a.mjs'): Promise<Made & { directory: string }> {
  const directory = await makeTempDir('function');
  onTestFinished(() => removeDir(directory));
  await writeFile(join(directory, name), source);
  const handler = { type: 'function', module: name, ...more };
  return { ...make({ allow: ['function'], tools: [tool('run', handler)] }, { directory }), directory };
}

describe('a function (D-40)', () => {
  it('gets arguments and context, and may take its time', async () => {
    const { call } = await run('export default async ({ a, b }, { factor }) => { await 0; return (a + b) * factor; }', {
      context: { factor: 10 },
    });
    expect(await call('run', { a: 1, b: 2 })).toEqual(ok('30'));
  });

  it.each([
    ['export const add = () => ({ sum: 3 })', { function: 'add' }, 'a.mjs', ok('{"sum":3}')],
    ['module.exports = { add: () => "text" }', { function: 'add' }, 'a.cjs', ok('text')],
    ['export default () => undefined', {}, 'a.mjs', ok('')],
    ['export default () => ({ content: [{ type: "text", text: "own" }], isError: true })', {}, 'a.mjs', bad('own')],
    ['export default () => { throw new Error("no such city") }', {}, 'a.mjs', bad('no such city')],
    ['export default () => ({ n: 1n })', {}, 'a.mjs', bad('Do not know how to serialize a BigInt')],
    ['export default () => process.exit(3)', {}, 'a.mjs', bad('the thread ended with code 3')],
  ])('%s', async (source, more, name, result) => {
    expect(await (await run(source, more, name)).call('run')).toEqual(result);
  });

  it('that does not exist is a clear fault; a module that does not is told', async () => {
    const { call } = await run('export const other = 1', { function: 'add' });
    const fault = await faultOf(call('run'));
    expect([fault.fault, fault.message]).toEqual([
      'UPSTREAM_START_FAILED',
      'the module of "run" exports no such function',
    ]);
    const gone = make({ allow: ['function'], tools: [tool('run', { type: 'function', module: 'gone.mjs' })] });
    expect((await faultOf(gone.call('run'))).fault).toBe('UPSTREAM_START_FAILED');
  });

  it('that never ends is ended, and nobody waited but its caller', async () => {
    const { call, upstream } = await run('export default () => { for (;;); }', { timeout: '300ms' });
    let turns = 0;
    const turning = setInterval(() => turns++, 10);
    const fault = await faultOf(call('run'));
    clearInterval(turning);
    expect(fault.fault).toBe('UPSTREAM_TIMEOUT');
    expect(turns).toBeGreaterThan(5);
    await expect.poll(() => upstream.facts().inFlight).toBe(0);
  });

  it('sees nothing of the environment of the gateway, and its prints do not get out', async () => {
    process.env.HOLDFAST_PLANTED_KEY = 'planted';
    onTestFinished(() => {
      delete process.env.HOLDFAST_PLANTED_KEY;
    });
    const { text, events } = await run('export default () => { console.log("said aloud"); return process.env; }');
    expect(await text('run')).not.toContain('planted');
    await expect.poll(() => JSON.stringify(events)).toContain('said aloud');
  });

  it('is read anew for every call, and gives no more than max_size', async () => {
    const { call, text, directory } = await run('let n = 0; export default () => ++n', { max_size: 1000 });
    expect([await text('run'), await text('run')]).toEqual(['1', '1']);
    await writeFile(join(directory, 'a.mjs'), 'export default () => "x".repeat(2000)');
    expect((await faultOf(call('run'))).fault).toBe('RESULT_TOO_LARGE');
  });
});
