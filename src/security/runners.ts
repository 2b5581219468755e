// What a server added over the API may be started with (reliability §4 Processes). Programs that run other programs are
// judged by their options, not by their name: `npx -c …` runs a shell as well as `sh -c …` does.
import { fingerprint } from '../config/plan.ts';
import type { Config, UpstreamConfig } from '../config/schema.ts';
import type { ConfigProblem } from '../core/ports.ts';

/** What is wrong with a command line, and where: an index of its words, 0 for the program. */
interface Objection {
  at: number;
  says: string;
}

interface Runner {
  names: RegExp;
  /** Options that are refused, and what they would do. `c` also stands in `-lc`. */
  refused: Readonly<Record<string, string>>;
  /** Options that take the next word, so that it is not taken for the program. */
  valued?: readonly string[];
  /** The option whose value is the program, with its own options behind it. */
  module?: string;
  /** Whether options count that stand behind the first plain word: for programs whose subcommands come first. */
  everywhere?: boolean;
  /** Whether the first plain word is a program of its own. */
  runs?: boolean;
  /** Further checks over all words. */
  also?: (words: readonly string[]) => Objection[];
}

const CODE = 'runs code out of the configuration';
const SHELL = 'runs a command line in a shell';
const SOURCE = 'takes programs from a place of its choice';
const DEBUG = 'opens a port through which code can be run';

const RUNNERS: readonly Runner[] = [
  {
    names: /^(?:sh|bash|dash|ash|zsh|ksh|mksh|fish|csh|tcsh|rbash)$/,
    refused: { c: SHELL, s: SHELL, command: SHELL, 'init-command': SHELL, rcfile: CODE, 'init-file': CODE },
    valued: ['o', 'O'],
  },
  { names: /^(?:cmd)$/, refused: {}, also: (words) => windowsFlags(words, /^\/[ckr]/i) },
  {
    names: /^(?:powershell|pwsh)$/,
    refused: {},
    also: (words) => windowsFlags(words, /^[-/–](?:c|ec|e|en)[a-z]*(?::|$)/i),
  },
  {
    names: /^(?:npx|bunx|pnpx)$/,
    refused: {
      c: SHELL,
      call: SHELL,
      'script-shell': CODE,
      shell: SHELL,
      'node-options': CODE,
      'node-arg': CODE,
      n: CODE,
      registry: SOURCE,
      userconfig: SOURCE,
      globalconfig: SOURCE,
    },
    valued: ['p', 'package', 'w', 'workspace', 'cache', 'prefix', 'loglevel'],
    runs: true,
  },
  {
    names: /^(?:npm|pnpm|yarn|bun)$/,
    refused: {
      c: SHELL,
      call: SHELL,
      'shell-mode': SHELL,
      'script-shell': CODE,
      'node-options': CODE,
      e: CODE,
      eval: CODE,
      registry: SOURCE,
      userconfig: SOURCE,
      globalconfig: SOURCE,
    },
    valued: ['p', 'package', 'w', 'workspace', 'cache', 'prefix', 'C', 'dir', 'filter', 'cwd'],
    everywhere: true,
    runs: true,
  },
  {
    names: /^(?:uvx|uv|pipx)$/,
    refused: {
      'index-url': SOURCE,
      i: SOURCE,
      'extra-index-url': SOURCE,
      index: SOURCE,
      'default-index': SOURCE,
      'find-links': SOURCE,
      f: SOURCE,
      'config-file': SOURCE,
      'pip-args': SOURCE,
      'allow-insecure-host': SOURCE,
    },
    valued: [
      'from',
      'with',
      'p',
      'python',
      'directory',
      'project',
      'with-editable',
      'with-requirements',
      'env-file',
      'spec',
    ],
    runs: true,
  },
  {
    names: /^(?:node|nodejs|deno|tsx|ts-node)$/,
    refused: {
      e: CODE,
      eval: CODE,
      p: CODE,
      print: CODE,
      inspect: DEBUG,
      'inspect-brk': DEBUG,
      'inspect-wait': DEBUG,
      'inspect-port': DEBUG,
    },
    valued: ['r', 'require', 'import', 'loader', 'experimental-loader', 'env-file', 'C', 'conditions'],
    also: (words) => (words[1] === 'eval' ? [{ at: 1, says: CODE }] : []),
  },
  { names: /^(?:python|pypy)[\d.]*w?$/, refused: { c: CODE }, valued: ['W', 'X'], module: 'm' },
  {
    names: /^(?:ruby|perl|lua|luajit|osascript|rscript|elixir|groovy|julia)[\d.]*$/,
    refused: { e: CODE, E: CODE, eval: CODE },
  },
  { names: /^php[\d.]*$/, refused: { r: CODE, B: CODE, R: CODE, E: CODE } },
  {
    names: /^(?:docker|podman|nerdctl)$/,
    refused: {
      privileged: 'gives the container the whole machine',
      'cap-add': 'gives the container rights of the machine',
      device: 'gives the container devices of the machine',
      'volumes-from': 'gives the container files of others',
    },
    everywhere: true,
    also: containerObjections,
  },
  {
    names: /^(?:sudo|doas|su|pkexec|run0|xargs|nsenter|unshare|chroot)$/,
    refused: {},
    also: () => [{ at: 0, says: 'runs another program with other rights, or in another place' }],
  },
];

/** Programs that only change how the one behind them runs. */
const WRAPPERS =
  /^(?:env|nice|nohup|timeout|setsid|stdbuf|time|ionice|setpriv|prlimit|busybox|exec|command|corepack|mise|dotenv|doppler|op)$/;

/** Variables that make nearly any program run what they name. */
const CODE_VARIABLES =
  /^(?:LD_PRELOAD|LD_LIBRARY_PATH|LD_AUDIT|DYLD_\w+|NODE_OPTIONS|NODE_PATH|PYTHONSTARTUP|PYTHONPATH|PYTHONHOME|PERL5OPT|PERL5LIB|RUBYOPT|RUBYLIB|BASH_ENV|ENV|PROMPT_COMMAND|SHELLOPTS|GIT_SSH_COMMAND|JAVA_TOOL_OPTIONS|DOTNET_STARTUP_HOOKS|npm_config_\w+|UV_(?:DEFAULT_)?INDEX(?:_URL)?|PIP_INDEX_URL|DOCKER_HOST)$/i;

/** What upstreams that are added or changed may not be started with; what stands there already is not asked. */
export function runnerProblemsOf(now: Config, next: Config): ConfigProblem[] {
  if (now.security.runners === 'any' && next.security.runners === 'any') return [];
  return Object.entries(next.upstreams).flatMap(([name, upstream]) => {
    const before = Object.hasOwn(now.upstreams, name) ? now.upstreams[name] : undefined;
    if (before !== undefined && fingerprint(before) === fingerprint(upstream)) return [];
    return runnerProblems(upstream).map((problem) => ({ ...problem, path: `upstreams.${name}.${problem.path}` }));
  });
}

/** What of an upstream the runner policy refuses; paths begin at the upstream. */
export function runnerProblems(config: UpstreamConfig): ConfigProblem[] {
  const servers: [string, UpstreamConfig['replicas'][number]][] =
    config.replicas.length === 0
      ? [['', config]]
      : config.replicas.map((replica, index) => [`replicas.${index}.`, replica]);
  return servers.flatMap(([at, { command, args = [], env = {} }]) => {
    if (command === undefined) return [];
    const words = [command, ...args];
    const found = objections(words).map(
      ({ at: index, says }): ConfigProblem => ({
        path: `${at}${index === 0 ? 'command' : `args.${index - 1}`}`,
        message: `${JSON.stringify(words[index])} ${says}: a server that is added over the API may not (security.runners)`,
        hint: HINT,
      }),
    );
    const variables = Object.keys(env).filter((name) => CODE_VARIABLES.test(name));
    return [
      ...found,
      ...variables.map(
        (name): ConfigProblem => ({
          path: `${at}env.${name}`,
          message: `${name} makes programs run code or take it from elsewhere: a server that is added over the API may not set it (security.runners)`,
          hint: HINT,
        }),
      ),
    ];
  });
}

const HINT =
  'Give the program itself with its arguments, one by one. If it has to be like this, write it into the configuration file: what stands there is yours.';

function objections(words: readonly string[], from = 0): Objection[] {
  const name = programName(words[from] ?? '');
  const rest = words.slice(from);
  const moved = (found: Objection[]) => found.map(({ at, says }) => ({ at: at + from, says }));
  if (WRAPPERS.test(name)) {
    // `env -S "sh -c …"` takes its words apart itself.
    const split = name === 'env' ? rest.findIndex((word) => /^(?:-[a-zA-Z]*S|--split-string)/.test(word)) : -1;
    if (split > 0) return [{ at: from + split, says: SHELL }];
    const inner = rest.findIndex((word, index) => index > 0 && isProgram(word));
    return inner === -1 ? [] : objections(words, from + inner);
  }
  const runner = RUNNERS.find(({ names }) => names.test(name));
  if (runner === undefined) return [];
  const found = optionsOf(rest, runner);
  const also = runner.also?.(rest) ?? [];
  const inner = runner.runs === true && found.program !== undefined ? objections(words, from + found.program) : [];
  return [...moved([...found.objections, ...also]), ...inner];
}

/** `C:\\…\\NPX.CMD` is npx. */
function programName(word: string): string {
  return (word.split(/[\\/]/).at(-1) ?? '').toLowerCase().replace(/\.(?:exe|cmd|bat|ps1)$/, '');
}

function isProgram(word: string): boolean {
  const name = programName(word);
  return WRAPPERS.test(name) || RUNNERS.some(({ names }) => names.test(name));
}

/** Goes through the options up to the first plain word: what stands behind it is the business of the program it names. */
function optionsOf(words: readonly string[], runner: Runner): { objections: Objection[]; program?: number } {
  const found: Objection[] = [];
  let program: number | undefined;
  for (let at = 1; at < words.length; at++) {
    const word = words[at] as string;
    if (word === '--') {
      if (program === undefined || runner.everywhere) program = at + 1 < words.length ? at + 1 : program;
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      // A subcommand (`npm exec`, `uv run`) is followed by the options of the same program, and then by another one.
      const isSubcommand = SUBCOMMANDS.test(word);
      if (!isSubcommand) program ??= at;
      if (isSubcommand || runner.everywhere) continue;
      break;
    }
    const option = readOption(word);
    const says = refusal(option, runner);
    if (says !== undefined) found.push({ at, says });
    else if (!option.long && runner.module !== undefined && option.name.includes(runner.module)) break;
    else if (!option.joined && takesWord(option, words[at + 1], runner)) at++;
  }
  return program === undefined ? { objections: found } : { objections: found, program };
}

const SUBCOMMANDS = /^(?:exec|x|dlx|run|tool|create|compose|container)$/;

interface Option {
  name: string;
  long: boolean;
  /** Its value stands in the same word. */
  joined: boolean;
}

function readOption(word: string): Option {
  const long = word.startsWith('--');
  const [name = '', value] = word.replace(/^-+/, '').split(/=(.*)/s);
  return { name, long, joined: value !== undefined };
}

/** Long names may be cut as long as they stay unique, short ones stand together: `--cal`, `-yc`, `-cecho`. */
function refusal({ name, long }: Option, { refused, valued = [] }: Runner): string | undefined {
  if (Object.hasOwn(refused, name)) return refused[name];
  if (long) {
    const whole = Object.keys(refused).find((one) => one.length > 3 && name.length >= 3 && one.startsWith(name));
    return whole === undefined ? undefined : refused[whole];
  }
  for (const letter of name) {
    if (Object.hasOwn(refused, letter)) return refused[letter];
    if (valued.includes(letter)) return undefined;
  }
  return undefined;
}

/** An option that nobody knows here is taken to have a value: rather one word too many is looked at as an option's. */
function takesWord({ name, long }: Option, next: string | undefined, { valued = [] }: Runner): boolean {
  if (next === undefined || next.startsWith('-')) return false;
  if (!long) return valued.includes(name.at(-1) ?? '');
  return !SWITCHES.test(name);
}

const SWITCHES =
  /^(?:yes|no|quiet|silent|offline|prefer-offline|no-install|ignore-existing|isolated|no-cache|refresh|verbose|version|help|bun|experimental-\w[\w-]*|enable-source-maps|no-warnings|trace-\w+|login|norc|noprofile|posix)$/;

function windowsFlags(words: readonly string[], flag: RegExp): Objection[] {
  return words.flatMap((word, at) => (at > 0 && flag.test(word) ? [{ at, says: SHELL }] : []));
}

/** Places of the machine that a container must not be given. */
const HOST_PLACES =
  /^(?:[/\\]+|[A-Za-z]:[\\/]*|~|\$HOME|\$\{HOME\}|\.\.(?:[\\/]\.\.)*|[/](?:etc|root|proc|sys|dev|boot|usr|bin|sbin|lib|lib64|home|Users|var|run|opt)(?:[/](?:run|lib|log))?[/]*)$|docker\.sock|podman\.sock|containerd\.sock|[\\/]\.(?:ssh|aws|gnupg|kube|docker|config)(?:[\\/]|$)|^\/(?:etc|proc|sys|dev|boot|root)\//;
const HOST_SPACES = /^(?:host|container:.*)$/;

function containerObjections(words: readonly string[]): Objection[] {
  return words.flatMap((word, at): Objection[] => {
    const [option = '', joined] = word.split(/=(.*)/s);
    const short = /^-[a-z]*v(.*)$/s.exec(word);
    const value = joined ?? words[at + 1] ?? '';
    const mount = (source: string): Objection[] =>
      HOST_PLACES.test(source) ? [{ at, says: `gives the container ${JSON.stringify(source)} of this machine` }] : [];
    if (option === '--volume' || option === '-v') return mount(sourceOf(value));
    if (short !== null && !word.startsWith('--') && short[1] !== '')
      return mount(sourceOf((short[1] ?? '').replace(/^=/, '')));
    if (option === '--mount') return mount(/(?:^|,)(?:source|src)=([^,]*)/.exec(value)?.[1] ?? '');
    if (/^--(?:pid|net|network|ipc|uts|userns|cgroupns)$/.test(option) && HOST_SPACES.test(value))
      return [{ at, says: 'puts the container into the machine itself' }];
    if (option === '--security-opt' && /unconfined|disable|no-new-privileges[:=]false/i.test(value))
      return [{ at, says: 'takes the protection of the container away' }];
    return [];
  });
}

/** Of `source:target:options`; a drive letter belongs to the source. */
function sourceOf(volume: string): string {
  return /^(?:[A-Za-z]:[\\/][^:]*|[^:]*)/.exec(volume)?.[0] ?? '';
}
