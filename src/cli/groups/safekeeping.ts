// Commands about keys, secrets, versions of the configuration and the data directory.
import { Argument, type Command } from 'commander';
import { collect, Exit, remote, sources } from '../command-line.ts';

export function safekeepingCommands(program: Command): void {
  remote(program.command('key'))
    .description('list, add, rotate or revoke the keys of callers; without a running gateway, in its configuration')
    .addArgument(new Argument('<action>', 'what to do').choices(['list', 'add', 'rotate', 'revoke']))
    .argument('[name]', 'the name of the key')
    .option('--role <role>', 'add: read, call (if absent) or admin; repeat for more', collect)
    .option('--upstream <glob>', 'add: reaches only these upstreams; repeat for more', collect)
    .option('--tool <glob>', 'add: reaches only these tools (upstream/tool, or a name); repeat for more', collect)
    .option('--deny <glob>', 'add: reaches none of these tools; repeat for more', collect)
    .option('--view <name>', 'add: reaches only what this view shows; repeat for more', collect)
    .option('--rate <calls/time>', 'add: calls it may make, such as 60/1m')
    .option('--expires <when>', 'add: a date, or how long from now: 90d')
    .option('--overlap <time>', 'rotate: how long the old key is good beside the new one (1d)')
    .action(async (action: string, name: string | undefined, options) => {
      const { key } = await import('../commands/key.ts');
      throw new Exit(await key(action, name, options));
    });

  sources(program.command('secret'))
    .description('set (from stdin), list or remove stored secrets, or seal them with a new key')
    .addArgument(new Argument('<action>', 'what to do').choices(['set', 'list', 'remove', 'rotate-key']))
    .argument('[name]', 'the name of the secret')
    .option('--keyring', 'rotate-key: keep the new key in the keyring of the system')
    .option('--file', 'rotate-key: keep the new key in a file of the data directory')
    .option('--json', 'print JSON')
    .action(async (action: string, name: string | undefined, options) => {
      const { secret } = await import('../commands/secret.ts');
      throw new Exit(await secret(action, name, options));
    });
}
