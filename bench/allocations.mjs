// node bench/allocations.mjs [--program FILE] [--stdio]: which functions of the gateway allocate how much per call, those
// objects included that are gone again. Garbage collection is a sixth of what a call costs; this shows whom to ask.
import { parseArgs } from 'node:util';
import { Bench } from './harness/bench.mjs';
import { inspect, inspectArgs } from './harness/inspect.mjs';

const { values: options } = parseArgs({ options: { program: { type: 'string' }, stdio: { type: 'boolean' } } });
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
    includeObjectsCollectedByMinorGC: true,
  });
  const { count } = await bench.load.run('gateway', 4_000);
  const { profile } = await session.ask('HeapProfiler.stopSampling');
  session.close();
  const bytes = new Map();
  let total = 0;
  const walk = (node) => {
    const { functionName, url, lineNumber } = node.callFrame;
    const key = `${functionName || '(anonymous)'}  ${url.replace(/^.*\/(node_modules|dist)\//, '')}:${lineNumber + 1}`;
    bytes.set(key, (bytes.get(key) ?? 0) + node.selfSize);
    total += node.selfSize;
    for (const child of node.children) walk(child);
  };
  walk(profile.head);
  process.stdout.write(`${count} calls, ${(total / count).toFixed(0)} bytes per call\n`);
  for (const [key, size] of [...bytes].sort((a, b) => b[1] - a[1]).slice(0, 45)) {
    process.stdout.write(`${(size / count).toFixed(0).padStart(7)}  ${key}\n`);
  }
} finally {
  await bench.end();
  bench.dispose();
}
