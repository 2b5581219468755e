#!/usr/bin/env node
// The command `holdfast`. Keys on the command line disappear from `ps` before anything else happens (requirements 10.24).
process.title = 'holdfast';
const { run } = await import('./cli/program.ts');
process.exitCode = await run(process.argv.slice(2));
