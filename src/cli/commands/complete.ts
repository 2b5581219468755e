// Completion in a shell: the script for it, and the words that may come next. Words come from the definitions of the
// commands, names from the running gateway, or from the configuration where none runs.
import type { Argument, Command, Option } from 'commander';
import { isObject } from '../../core/json.ts';
import { readLive } from '../../live-source.ts';
import { callApi, findRemote, getJson, type RemoteOptions, request } from '../client.ts';
import { CLIENTS } from '../clients.ts';
import { EXIT } from '../exit.ts';
import { placeOf } from '../place.ts';
import { Refused } from '../refused.ts';
import { t } from '../words.ts';

/** Nobody waits longer for a key to be answered. */
const WITHIN = 1_000;

const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `# holdfast completion bash, for ~/.bashrc: source <(holdfast completion bash)
_holdfast() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <(holdfast __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [ "\${#COMPREPLY[@]}" -eq 0 ]; then compopt -o default 2>/dev/null; fi
}
complete -F _holdfast holdfast
`,
  zsh: `#compdef holdfast
# holdfast completion zsh, for ~/.zshrc: source <(holdfast completion zsh)
_holdfast() {
  local -a found
  local line word
  for line in "\${(@f)$(holdfast __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n "$line" ]] || continue
    word="\${line%%$'\\t'*}"
    # A colon parts the word from what it is.
    if [[ "$line" == *$'\\t'* ]]; then found+=("\${word//:/\\\\:}:\${line#*$'\\t'}"); else found+=("\${word//:/\\\\:}"); fi
  done
  if (( \${#found} )); then _describe holdfast found; else _files; fi
}
if ! (( $+functions[compdef] )); then autoload -Uz compinit && compinit; fi
compdef _holdfast holdfast
`,
  fish: `# holdfast completion fish > ~/.config/fish/completions/holdfast.fish
function __holdfast_complete
    set -l found (holdfast __complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c holdfast -f -a '(__holdfast_complete)'
`,
};

export function completion(shell: string): number {
  const script = SCRIPTS[shell];
  if (script === undefined)
    throw new Refused(t`there is no completion for ${shell}; there is for ${Object.keys(SCRIPTS).join(', ')}`);
  process.stdout.write(script);
  return EXIT.ok;
}

interface Candidate {
  word: string;
  about?: string | undefined;
}

/** Prints what may stand at the end of these words, a line each, with a tab before what it means; nothing: a file. */
export async function complete(program: Command, words: readonly string[]): Promise<number> {
  const begun = words.at(-1) ?? '';
  const found = await candidates(program, words.slice(0, -1), begun).catch(() => []);
  const lines = found
    .filter(({ word }) => word.startsWith(begun))
    .map(({ word, about }) => (about === undefined ? word : `${word}\t${about.split('\n')[0]}`));
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
  return EXIT.ok;
}

async function candidates(program: Command, before: readonly string[], begun: string): Promise<Candidate[]> {
  let command = program;
  const positionals: string[] = [];
  const options: RemoteOptions = {};
  let waiting: Option | undefined;
  for (const word of before) {
    if (waiting !== undefined) {
      const name = waiting.attributeName();
      if (name === 'config' || name === 'dataDir' || name === 'url' || name === 'apiKey') options[name] = word;
      waiting = undefined;
    } else if (word === '--') return [];
    else if (word.startsWith('-')) {
      const option = command.options.find(({ long, short }) => word === long || word === short);
      waiting = option?.required || option?.optional ? option : undefined;
    } else {
      const next = positionals.length === 0 ? named(command, word) : undefined;
      if (next === undefined) positionals.push(word);
      else command = next;
    }
  }
  if (waiting !== undefined) return (waiting.argChoices ?? []).map((word) => ({ word }));
  if (begun.startsWith('-'))
    return command.options.flatMap(({ long, hidden, description }) =>
      hidden || long == null ? [] : [{ word: long, about: description }],
    );
  const below = command
    .createHelp()
    .visibleCommands(command)
    .filter((one) => one.name() !== 'help');
  if (below.length > 0) return below.map((one) => ({ word: one.name(), about: one.description() }));
  const last = command.registeredArguments.at(-1);
  const argument = command.registeredArguments[positionals.length] ?? (last?.variadic === true ? last : undefined);
  return argument === undefined ? [] : wordsFor(argument, command, positionals, options);
}

function named(command: Command, word: string): Command | undefined {
  return command.commands.find((one) => one.name() === word || one.aliases().includes(word));
}

async function wordsFor(
  argument: Argument,
  command: Command,
  positionals: readonly string[],
  options: RemoteOptions,
): Promise<Candidate[]> {
  if (argument.argChoices !== undefined) return argument.argChoices.map((word) => ({ word }));
  switch (argument.name()) {
    case 'server':
    case 'upstream':
      return upstreams(options);
    case 'tool':
      return tools(positionals[0] as string, options);
    case 'endpoint': {
      if (positionals[0] === 'add') return [];
      const { endpoints } = await callApi(findRemote(options), 'GET', '/endpoints');
      return (endpoints as { name: string }[]).map(({ name }) => ({ word: name }));
    }
    case 'client':
      return CLIENTS.flatMap(({ id, title, entry }) => (entry === undefined ? [] : [{ word: id, about: title }]));
    case 'what':
      return command.name() === 'import' ? CLIENTS.map(({ id, title }) => ({ word: id, about: title })) : [];
    default:
      return [];
  }
}

async function upstreams(options: RemoteOptions): Promise<Candidate[]> {
  try {
    const health = await inTime(getJson(findRemote(options), '/health'));
    return Object.entries(isObject(health.upstreams) ? health.upstreams : {}).map(([word, one]) => ({
      word,
      about: isObject(one) ? String(one.state) : undefined,
    }));
  } catch {
    const { file, dataDir } = placeOf(options);
    if (file === undefined) return [];
    const { result } = await readLive({ file, env: process.env }, dataDir);
    return result.ok ? Object.keys(result.config.upstreams).map((word) => ({ word })) : [];
  }
}

async function tools(upstream: string, options: RemoteOptions): Promise<Candidate[]> {
  const answer = await request(findRemote(options), upstream, 'tools/list', {}, WITHIN);
  if ('error' in answer) return [];
  return (answer.result.tools as { name: string; description?: string }[]).map(({ name, description }) => ({
    word: name,
    about: description,
  }));
}

function inTime<T>(wanted: Promise<T>): Promise<T> {
  return Promise.race([
    wanted,
    new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error('late')), WITHIN).unref();
    }),
  ]);
}
