// Which modules of the program go into one file. Each file of dist/ costs a start as much as 50 KB of code, so `serve`
// shall read few; and a short command shall not read the gateway.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Groups for rolldown's `codeSplitting`; what `serve` does not read at its start is split as rolldown does by itself. */
export function chunkGroups(root) {
  const at = (path) => join(root, path);
  const commands = readdirSync(at('src/cli/commands')).map((file) => `src/cli/commands/${file}`);
  const program = 'src/cli/program.ts';
  const serve = 'src/cli/commands/serve.ts';
  const closures = new Map();

  /** The modules that are read with one, itself included. */
  const closure = (file, context) => {
    const known = closures.get(file);
    if (known !== undefined) return known;
    const found = new Set();
    const visit = (id) => {
      if (found.has(id)) return;
      found.add(id);
      for (const imported of context.getModuleInfo(id)?.importedIds ?? []) visit(imported);
    };
    visit(at(file));
    closures.set(file, found);
    return found;
  };
  const reads = (file, module, context) => closure(file, context).has(at(module));
  const among = (files, id, context) => files.some((file) => closure(file, context).has(id));
  const without = (module, context) => commands.filter((file) => !reads(file, module, context));

  const rules = {
    program: (id, context) => among([program], id, context),
    common: (id, context) =>
      among([serve], id, context) &&
      among(['src/cli/words.ts', ...without('src/config/schema.ts', context)], id, context),
    config: (id, context) => among([serve], id, context) && among(without('src/gateway.ts', context), id, context),
    gateway: (id, context) => among([serve], id, context),
  };
  return Object.entries(rules).map(([name, rule], index, { length }) => ({
    debugName: name,
    priority: length - index,
    name: (id, context) => (rule(id, context) ? name : null),
  }));
}
