// node bench/allocations.mjs [--program FILE] [--stdio] [--survivors]: which functions of the gateway allocate how much per call, those
// objects included that are gone again. Garbage collection is a sixth of what a call costs; this shows whom to ask.
// With --survivors only what outlived the young generation: it costs most, and a call should leave nothing of it.
import { parseArgs } from 'node:util';
import { Bench } from './harness/bench.mjs';
import { inspect, inspectArgs } from './harness/inspect.mjs';

const { values: options } = parseArgs({
  options: { program: { type: 'string' }, stdio: { type: 'boolean' }, survivors: { type: 'boolean' } },
});
const bench = new Bench({ rounds: 1, seconds: 1, warmup: 1, ...(options.program && { program: options.program }) });
try {
  bench.gatewayArgs = inspectArgs;
  const { gateway } = await (options.stdio
    ? bench.overStdio()
    : bench.overHttp({}, { args: { text: 'x'.repeat(100) } }));
  await bench.load.prepare('gateway', { ...gateway, program: undefined, callers: 32 });
  await bench.load.run('gateway', 3_000);
  const session = await inspect(gateway.program);
  await session.ask('HeapProfiler.startSampling', {
    samplingInterval: 4_096,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: options.survivors !== true,
  });
  const { count } = await bench.load.run('gateway', 4_000);
  const { profile } = await session.ask('HeapProfiler.stopSampling');
  session.close();
  const bytes = new Map();
  let total = 0;
  const inclusive = new Map();
  const walk = (node, above = new Set()) => {
    const { functionName, url, lineNumber } = node.callFrame;
    const key = `${functionName || '(anonymous)'}  ${url.replace(/^.*\/(node_modules|dist)\//, '')}:${lineNumber + 1}`;
    bytes.set(key, (bytes.get(key) ?? 0) + node.selfSize);
    total += node.selfSize;
    const within = new Set(above).add(key);
    for (const name of within) inclusive.set(name, (inclusive.get(name) ?? 0) + node.selfSize);
    for (const child of node.children) walk(child, within);
  };
  walk(profile.head);
  process.stdout.write(`${count} calls, ${(total / count).toFixed(0)} bytes per call\n`);
  for (const [title, map] of [
    ['by the function itself', bytes],
    ['by the function and all it called', inclusive],
  ]) {
    process.stdout.write(`\n${title}\n`);
    for (const [key, size] of [...map].sort((a, b) => b[1] - a[1]).slice(0, 50)) {
      process.stdout.write(`${(size / count).toFixed(0).padStart(7)}  ${key}\n`);
    }
  }
} finally {
  await bench.end();
  bench.dispose();
}
