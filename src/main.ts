#!/usr/bin/env node
// The command `holdfast`. Keys on the command line disappear from `ps` before anything else happens (requirements 10.24).
process.title = 'holdfast';
// Whoever reads our output may go; that ends the output, not the gateway.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
const { run } = await import('./cli/program.ts');
process.exitCode = await run(process.argv.slice(2));
