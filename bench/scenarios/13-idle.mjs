import { cpuMs, rssMiB } from '../harness/processes.mjs';
import { atMost, measure, number } from '../harness/report.mjs';

export const row = 13;
export const title = 'idle, 10 stdio upstreams';

export async function run(bench) {
  const config = { command: process.execPath, args: bench.upstreamArgs({ transport: 'stdio' }) };
  const upstreams = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`server${index}`, config]));
  const minimal = await bench.startMinimal(upstreams);
  const gateway = await bench.startGateway(upstreams);
  await bench.ready(minimal, 60);
  await bench.ready(gateway, 60);
  const settle = bench.quick ? 3_000 : 10_000;
  await new Promise((resolve) => setTimeout(resolve, settle));
  const before = cpuMs(gateway.pid);
  const seconds = bench.quick ? 5 : 30;
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const cpu = (cpuMs(gateway.pid) - before) / (seconds * 10);
  const [floor, ours] = [rssMiB(minimal.pid), rssMiB(gateway.pid)];
  return [
    measure(
      'RSS against minimal',
      ours / floor,
      atMost(1.5),
      `minimal ${number(floor)} MiB, gateway ${number(ours)} MiB`,
    ),
    measure('CPU, % of a core', cpu, atMost(0.5)),
  ];
}
