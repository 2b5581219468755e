/** The arguments every server takes; `set` holds what one behaviour wants to know, numbers as numbers. */
export function parseOptions(argv) {
  const options = { transport: 'stdio', era: 'legacy', port: 0, ledger: undefined, stateless: false, set: {} };
  for (let index = 0; index < argv.length; index++) {
    const name = argv[index].replace(/^--/, '');
    if (name === 'stateless') {
      options.stateless = true;
      continue;
    }
    const value = argv[++index];
    if (name === 'set') {
      const [key, ...rest] = value.split('=');
      const text = rest.join('=');
      options.set[key] = text !== '' && !Number.isNaN(Number(text)) ? Number(text) : text;
    } else if (name in options) options[name] = name === 'port' ? Number(value) : value;
    else throw new Error(`unknown option --${name}`);
  }
  return options;
}
