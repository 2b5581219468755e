// `holdfast secret`: values that the configuration names as `${secret:NAME}`. They come over stdin, never on the command
// line, and no command shows them. A running gateway takes a changed one over by itself.
import { SecretStore, SecretsFailed } from '../../store/secret-store.ts';
import { EXIT } from '../exit.ts';
import { readInput } from '../input.ts';
import { type PlaceOptions, placeOf } from '../place.ts';
import { Refused } from '../refused.ts';
import { t } from '../words.ts';

export interface SecretOptions extends PlaceOptions {
  json?: boolean | undefined;
  keyring?: boolean | undefined;
  file?: boolean | undefined;
}

/** @throws Refused */
export async function secret(action: string, name: string | undefined, options: SecretOptions): Promise<number> {
  const store = new SecretStore(placeOf(options).dataDir, process.env, (text) => process.stderr.write(`${text}\n`));
  const print = (answer: object, text: string): number => {
    process.stdout.write(options.json ? `${JSON.stringify(answer)}\n` : text);
    return EXIT.ok;
  };
  try {
    if (action === 'list') {
      const secrets = store.list();
      const lines = secrets.map((one) => `${one.name}  ${t`set ${one.changed}`}\n`).join('') || `${t`no secrets`}\n`;
      return print({ secrets, key: store.place }, lines);
    }
    if (action === 'rotate-key') {
      const count = await store.rotateKey(options.keyring ? 'keyring' : options.file ? 'file' : undefined);
      return print(
        { secrets: count, key: store.place },
        `${t`${count} secrets have a new key, kept in the ${store.place}`}\n`,
      );
    }
    if (name === undefined) throw new Refused(t`holdfast secret ${action} needs the name of a secret`);
    if (action === 'remove') {
      if (await store.remove(name)) return print({ removed: name }, `${t`removed ${name}`}\n`);
      const names = store.list().map((one) => one.name);
      throw new Refused(
        t`there is no secret called ${JSON.stringify(name)}; there are ${names.join(', ') || t`none`}`,
        EXIT.failure,
      );
    }
    const value = await readInput(`${name}: `);
    if (value === '') throw new Refused(t`an empty value is no secret`);
    await store.set(name, value);
    const reference = `\${secret:${name}}`;
    return print({ set: name }, `${t`set ${name}; the configuration names it ${reference}`}\n`);
  } catch (error) {
    if (error instanceof SecretsFailed) throw new Refused(error.message, EXIT.failure);
    throw error;
  }
}
