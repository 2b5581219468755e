// The reference page of the command line, made from the program that reads it.
import type { Command, Option } from 'commander';
import { commandsUnder, wordsOf } from '../../src/cli/command-line.ts';
import { EXIT } from '../../src/cli/exit.ts';
import { createProgram } from '../../src/cli/program.ts';

const EXITS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'done; for `serve`: stopped by a signal, everything accepted was answered',
  failure: 'it failed; `status`: the gateway is unhealthy; `doctor`: something is broken',
  usage: 'the command line or the configuration is wrong; all problems are listed, nothing was started',
  toolError: '`call`: the tool answered with `isError`',
  fault: '`call`: a fault on the way, or no answer in time',
  noGateway: 'no gateway answers, or none runs that could be stopped',
  killed: 'a second SIGTERM ended it at once',
  interrupted: 'a second SIGINT ended it at once',
};

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function options(list: readonly Option[]): string {
  const rows = list
    .filter(({ hidden }) => !hidden)
    .map(({ flags, description, defaultValue, negate }) => {
      const standard = negate || defaultValue === undefined ? '' : ` (default \`${String(defaultValue)}\`)`;
      return `| \`${cell(flags)}\` | ${cell(description)}${standard} |`;
    });
  return rows.length === 0 ? '' : `| Option | Meaning |\n|---|---|\n${rows.join('\n')}\n`;
}

/** Hidden commands are for programs, not for people. */
function isShown(command: Command): boolean {
  const { parent } = command;
  return parent?.createHelp().visibleCommands(parent).includes(command) === true;
}

function commandSection(program: Command, command: Command): string {
  const words = command.registeredArguments.map((argument) => {
    const written = `${argument.name()}${argument.variadic ? '…' : ''}`;
    return `- \`${argument.required ? `<${written}>` : `[${written}]`}\`: ${argument.description}`;
  });
  const synopsis = `${program.name()} ${wordsOf(command)} ${command.usage()}`;
  return `## ${wordsOf(command)}

\`${synopsis}\`

${command.description().replace(/^./, (letter) => letter.toUpperCase())}.
${words.length === 0 ? '' : `\n${words.join('\n')}\n`}
${options(command.options)}`;
}

export function cliDocs(): Record<string, string> {
  const program = createProgram();
  const shown = commandsUnder(program).filter(isShown);
  const sections = shown.map((command) => commandSection(program, command));
  const exits = Object.entries(EXIT).map(([name, code]) => `| ${code} | ${EXITS[name as keyof typeof EXIT]} |`);
  return {
    'docs/reference/cli.md': `<!-- Made by \`npm run docs\` from src/cli/program.ts. Do not edit. -->
# Commands

${program.description()} In a clone the program is \`node dist/main.js\`. \`${program.name()} --help\` and
\`${program.name()} <command> --help\` say the same as this page.

Without \`--config\` a command takes the first it finds: \`HOLDFAST_CONFIG\`, \`MCP_CONFIG\`, \`MCP_SERVERS_PATH\`,
\`XIAOZHI_CONFIG_DIR\`, \`./holdfast.json\`, \`~/.config/holdfast/holdfast.json\`; \`serve\` and \`stdio\` then serve a demo.

\`serve\` prints one line to stdout when it listens, \`holdfast ready http://127.0.0.1:8000\` (with \`--json\`:
\`{"event":"ready","url":"…","pid":…}\`); everything else goes to stderr.

What is printed for people is English or Chinese: \`--locale zh\` anywhere before \`--\`, HOLDFAST_LOCALE, \`locale\` of the
configuration, else the language of the terminal (\`LANG\`). Codes, the log and everything behind \`--json\` stay English.

${sections.join('\n')}
## Exit codes

| Code | Meaning |
|--:|---|
${exits.join('\n')}
`,
  };
}
