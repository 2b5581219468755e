// Windows, best effort (requirements 10.32): `.cmd` shims need cmd.exe, and its quoting is its own.

const META = /([()\][%!^"`<>&|;, *?])/g;

/** One argument for cmd.exe: quoted as CommandLineToArgvW reads it, then every special character of cmd escaped. */
export function quoteForCmd(argument: string, twice: boolean): string {
  const quoted = `"${argument.replace(/(\\*)"/g, '$1$1\\"').replace(/(\\*)$/, '$1$1')}"`;
  const escaped = quoted.replace(META, '^$1');
  // A shim expands its arguments once more when it calls the program behind it.
  return twice ? escaped.replace(META, '^$1') : escaped;
}

export function isShim(file: string): boolean {
  return /\.(cmd|bat)$/i.test(file);
}

/** What to spawn, with verbatim arguments, in place of a `.cmd` or `.bat` file. */
export function shimCommand(file: string, args: readonly string[], comSpec: string): { file: string; args: string[] } {
  const twice = /node_modules[\\/]\.bin[\\/][^\\/]+\.cmd$/i.test(file);
  const line = [file.replace(META, '^$1'), ...args.map((argument) => quoteForCmd(argument, twice))].join(' ');
  return { file: comSpec, args: ['/d', '/s', '/c', `"${line}"`] };
}
