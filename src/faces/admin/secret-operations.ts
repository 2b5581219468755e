// The store of secrets over the management API: set, list by name, remove; no answer holds a value (reliability §4).
import * as z from 'zod';
import { type ApiOperation, operation, Refusal } from './api.ts';
import type { AdminDeps, SecretPort } from './deps.ts';

const TAG = 'secrets';
const value = z.strictObject({
  value: z.string().min(1).max(65_536).describe('What a reference to this name stands for from now on.'),
});

export function secretOperations(deps: AdminDeps): ApiOperation[] {
  const port = (): SecretPort => {
    if (deps.secrets === undefined) throw new Refusal(501, 'this gateway has no store of secrets');
    return deps.secrets;
  };
  return [
    {
      method: 'GET',
      path: '/secrets',
      needs: 'admin',
      tag: TAG,
      summary: 'Names of the stored secrets, when each was set, and where their key is; never a value',
      answer: '{secrets: [{name, changed}], key}',
      handle: () => taken(() => port().list()),
    },
    operation({
      method: 'PUT',
      path: '/secrets/{name}',
      needs: 'admin',
      tag: TAG,
      summary: 'Store a value under a name; servers whose configuration names it are restarted with the new one',
      body: value,
      answer: '{name}',
      audited: ({ params }) => ({ action: 'set secret', subject: params.name as string }),
      handle: ({ params, body }) =>
        taken(async () => {
          await port().set(params.name as string, body.value);
          return { name: params.name };
        }),
    }),
    {
      method: 'DELETE',
      path: '/secrets/{name}',
      needs: 'admin',
      tag: TAG,
      summary: 'Take a secret out of the store',
      answer: '{name}',
      audited: ({ params }) => ({ action: 'remove secret', subject: params.name as string }),
      handle: ({ params }) =>
        taken(async () => {
          if (await port().remove(params.name as string)) return { name: params.name };
          throw new Refusal(404, `there is no secret called ${JSON.stringify(params.name)}`);
        }),
    },
  ];
}

/** What the store says is for an admin to read: names and places, never a value. @throws Refusal */
async function taken<T>(run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof Refusal || !(error instanceof Error) || error.name !== 'SecretsFailed') throw error;
    throw new Refusal(409, error.message);
  }
}
