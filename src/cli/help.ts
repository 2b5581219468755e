// Help texts in Chinese (requirements 10.33): they are written in English where a command is defined, and looked up when
// they are printed.
import { type Argument, type Command, Help, type Option } from 'commander';
import { widthOf } from './columns.ts';
import { commandsUnder } from './command-line.ts';
import { HELP_ZH } from './help-zh.ts';

/** Narrower than this nothing is wrapped, as commander has it. */
const NARROW = 40;
/** What a line is not parted within: a word, or one Chinese character, with the marks around it. */
const PIECES = /[（“]*(?:[\x21-\x7e…]+|\p{Script=Han}|.)[，。；：、）”]*\s*/gsu;

/** Gives a program and all commands below it Chinese help texts. */
export function inChinese(program: Command): void {
  const english = new Help();
  const optionDescription = (option: Option) => meant(option.description, english.optionDescription(option));
  const argumentDescription = (argument: Argument) =>
    meant(argument.description, english.argumentDescription(argument));
  const describe = (command: Command) => meant(command.description());
  for (const command of commandsUnder(program)) {
    command.configureHelp({
      commandDescription: describe,
      subcommandDescription: describe,
      optionDescription,
      argumentDescription,
      styleTitle: (title) => meant(title),
      displayWidth: widthOf,
      boxWrap: wrapped,
    });
  }
}

/** A text of the table, with what commander puts behind it: choices and default. */
function meant(text: string, shown = text): string {
  const added = shown.slice(text.length).replace(/^ ?\((.*)\)$/s, '（$1）');
  return (HELP_ZH[text] ?? text) + added.replace('choices: ', '可选：').replace('default: ', '默认：');
}

/** Chinese has no spaces to part a line at. */
function wrapped(text: string, width: number): string {
  if (width < NARROW) return text;
  const lines = [''];
  for (const piece of text.match(PIECES) ?? []) {
    const line = lines.pop() ?? '';
    if (line === '' || widthOf(line + piece.trimEnd()) <= width) lines.push(line + piece);
    else lines.push(line.trimEnd(), piece);
  }
  return lines.join('\n');
}
