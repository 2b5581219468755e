// Commands about upstreams and their tools. They change the running gateway, or the file where none runs.
import type { Command } from 'commander';
import { changing, collect, Exit, remote } from '../command-line.ts';

export function upstreamCommands(program: Command): void {
  remote(program.command('list'))
    .alias('upstreams')
    .description('list the upstreams: of the running gateway, or of the configuration where none runs')
    .action(async (options) => {
      const { list } = await import('../commands/upstreams.ts');
      throw new Exit(await list(options));
    });

  changing(program.command('add'))
    .description('add an upstream: a URL, or -- and the command that starts it')
    .argument('<name>', 'how it is called')
    .argument('[target...]', 'its URL; or, behind --, its command with arguments')
    .option(
      '-e, --env <pair>',
      'KEY=VALUE for its process; repeat for more ($' + '{env:NAME} keeps a secret out of the file)',
      collect,
    )
    .option('-H, --header <header>', '"Name: value" for every request to its URL; repeat for more', collect)
    .option('-t, --transport <kind>', 'streamable-http, sse or websocket; without it a URL is tried out')
    .option('--cwd <dir>', 'folder its process is started in')
    .option('--description <text>', 'what it is for')
    .option('--disabled', 'do not start it yet')
    .option('--replace', 'take the place of the one that has this name')
    .action(async (name: string, words: string[], options) => {
      const { add } = await import('../commands/upstreams.ts');
      throw new Exit(await add(name, words, options));
    });

  changing(program.command('remove'))
    .description('take an upstream out of the configuration; its calls are answered first')
    .argument('<upstream>', 'the upstream')
    .action(async (name: string, options) => {
      const { remove } = await import('../commands/upstreams.ts');
      throw new Exit(await remove(name, options));
    });

  for (const on of [true, false]) {
    changing(program.command(on ? 'enable' : 'disable'))
      .description(`switch an upstream, or one of its tools, ${on ? 'on' : 'off'}; kept in the configuration`)
      .argument('<upstream>', 'the upstream')
      .argument('[tool]', "only this tool, by the upstream's own name")
      .action(async (name: string, tool: string | undefined, options) => {
        const { setEnabled } = await import('../commands/upstreams.ts');
        throw new Exit(await setEnabled(on, name, tool, options));
      });
  }
}
