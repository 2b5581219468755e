// The tools of every server here: one of each retry class, so that a test can ask for any of them.
const inputSchema = {
  type: 'object',
  properties: { nonce: { type: 'string' }, fault: { type: 'boolean' }, always: { type: 'boolean' } },
};

export const standardTools = [
  { name: 'read', description: 'Gives the nonce back; read-only.', inputSchema, annotations: { readOnlyHint: true } },
  {
    name: 'put',
    description: 'Gives the nonce back; idempotent.',
    inputSchema,
    annotations: { readOnlyHint: false, idempotentHint: true, destructiveHint: false },
  },
  { name: 'write', description: 'Gives the nonce back; must never run twice.', inputSchema },
];

/** Whether the fault of this server shall hit this message: asked for, and the first time for its nonce. */
export function isFault(message, server) {
  const args = message?.params?.arguments;
  if (message?.method !== 'tools/call' || args?.fault !== true) return false;
  return args.always === true || server.ledger.first(`fault ${args.nonce}`);
}
