// Commands about keys, secrets, versions of the configuration and the data directory.
import { Argument, type Command } from 'commander';
import { changing, collect, Exit, remote, sources } from '../command-line.ts';

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

  sources(program.command('backup'))
    .description('write the data directory into one file, also while the gateway runs; it holds secrets')
    .argument('<file>', 'the file to write; it must not exist')
    .option('--json', 'print JSON')
    .action(async (file: string, options) => {
      const { backup } = await import('../commands/backup.ts');
      throw new Exit(await backup(file, options));
    });

  sources(program.command('restore'))
    .description('put a backup back into the data directory; no gateway may run there')
    .argument('<file>', 'what holdfast backup wrote')
    .option('--dry-run', 'only say what would be written')
    .option('--json', 'print JSON')
    .action(async (file: string, options) => {
      const { restore } = await import('../commands/backup.ts');
      throw new Exit(await restore(file, options));
    });
}

/** Below `holdfast config`: where values come from, and former versions. */
export function versionCommands(config: Command): void {
  remote(config.command('explain'))
    .description('each value of the configuration and where it comes from: flag, environment, file, overlay or default')
    .argument('[path]', 'only what stands there and below, such as upstreams.files.timeouts')
    .action(async (path: string | undefined, options) => {
      const { explain } = await import('../commands/versions.ts');
      throw new Exit(await explain(path, options));
    });

  remote(config.command('history'))
    .description('every configuration that was applied: when, by whom, why')
    .action(async (options) => {
      const { history } = await import('../commands/versions.ts');
      throw new Exit(await history(options));
    });

  remote(config.command('rollback'))
    .description('apply an earlier version of the configuration again, as a new one')
    .argument('<version>', 'its number')
    .action(async (version: string, options) => {
      const { rollback } = await import('../commands/versions.ts');
      throw new Exit(await rollback(version, options));
    });

  remote(config.command('diff'))
    .description('what differs between two configurations: the file and the one in force, or two versions')
    .argument('[from]', 'the number of a version, applied or file; without it, what changed last')
    .argument('[to]', 'the same; the one in force if it is left out')
    .action(async (from: string | undefined, to: string | undefined, options) => {
      const { diff } = await import('../commands/version-files.ts');
      throw new Exit(await diff(from, to, options));
    });

  remote(config.command('export'))
    .description('print a version of the configuration without its secrets, or write it into a file')
    .argument('[version]', 'its number; the newest if it is left out')
    .option('--write <file>', 'into this new file, with its secrets (only its owner may read it)')
    .option('--redacted', '*** for every secret in that file too')
    .action(async (version: string | undefined, options) => {
      const { exportVersion } = await import('../commands/version-files.ts');
      throw new Exit(await exportVersion(version, options));
    });

  changing(config.command('import'))
    .description('check a configuration that was exported, and apply it as a new version')
    .argument('<file>', 'the file; a *** in it keeps the secret that stands there now')
    .action(async (file: string, options) => {
      const { importVersion } = await import('../commands/version-files.ts');
      throw new Exit(await importVersion(file, options));
    });
}

/** Below `holdfast config`: single values. */
export function valueCommands(config: Command): void {
  remote(config.command('get'))
    .description('print one value of the configuration as it is written, or what is in force where nothing is')
    .argument('<path>', 'such as upstreams.files.timeouts.call')
    .action(async (path: string, options) => {
      const { get } = await import('../commands/config-values.ts');
      throw new Exit(await get(path, options));
    });

  changing(config.command('set'))
    .description('change one value of the configuration: in the running gateway, or in the file; comments stay')
    .argument('<path>', 'such as upstreams.files.timeouts.call')
    .argument('<value>', 'JSON, or a plain text; - reads it from stdin, which keeps it out of the list of processes')
    .option('--text', 'take the value as a text, whatever it looks like')
    .action(async (path: string, value: string, options) => {
      const { set } = await import('../commands/config-values.ts');
      throw new Exit(await set(path, value, options));
    });

  changing(config.command('unset'))
    .description('take one value out of the configuration; its default is in force then')
    .argument('<path>', 'such as upstreams.files.timeouts.call')
    .action(async (path: string, options) => {
      const { unset } = await import('../commands/config-values.ts');
      throw new Exit(await unset(path, options));
    });
}
