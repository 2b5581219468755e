// What the driver does in each client scenario: the least that lets the suite's mock server see the gateway's upstream face.

/** @typedef {(client: import('./mcp-client.mjs').McpClient, context: any) => Promise<void>} Drive */

/** @param {any} schema an argument of the right type for each required property */
const example = (schema) =>
  Object.fromEntries(
    (schema?.required ?? []).map((/** @type {string} */ key) => [key, exampleOf(schema.properties[key])]),
  );

/** @param {any} property */
function exampleOf({ type }) {
  /** @type {Record<string, unknown>} */
  const values = { string: 'example', number: 1, integer: 1, boolean: true, array: [], object: {} };
  return values[type] ?? null;
}

/** These mock servers declare no capability: `Method not found` is a right answer too. @type {Drive} */
async function listWhatMayBeMissing(client) {
  await client.tools().catch((error) => {
    if (!/-32601/.test(error.message)) throw error;
  });
}

/** @type {Record<string, Drive>} */
export const DRIVES = {
  initialize: listWhatMayBeMissing,
  tools_call: async (client) => {
    await client.tools();
    await client.call('add_numbers', { a: 2, b: 3 });
  },
  /** The one drive of all protected servers. */
  tools_call_any: async (client) => {
    await client.tools();
    await client.call('test-tool');
  },
  'sse-retry': async (client) => {
    await client.tools();
    await client.call('test_reconnection');
  },
  'elicitation-sep1034-client-defaults': async (client) => {
    await client.tools();
    await client.call('test_client_elicitation_defaults');
  },
  'request-metadata': listWhatMayBeMissing,
  'http-standard-headers': async (client) => {
    for (const { name } of await client.tools()) await client.call(name);
    const { resources } = await client.request('resources/list');
    for (const { uri } of resources) await client.request('resources/read', { uri });
    const { prompts } = await client.request('prompts/list');
    for (const { name } of prompts) await client.request('prompts/get', { name });
  },
  'http-custom-headers': async (client, { toolCalls }) => {
    await client.tools();
    for (const call of toolCalls) await client.call(call.name, call.arguments);
  },
  'http-invalid-tool-headers': async (client) => {
    for (const { name, inputSchema } of await client.tools()) await client.call(name, example(inputSchema));
  },
  'json-schema-ref-no-deref': async (client) => {
    await client.tools();
  },
  'json-schema-2020-12-preservation': async (client) => {
    const tools = await client.tools();
    const schema = tools.find(({ name }) => name === 'json_schema_2020_12_tool')?.inputSchema;
    await client.call('json_schema_echo', { schema });
  },
  'sep-2322-client-request-state': async (client) => {
    await client.tools();
    await client.call('test_mrtr_echo_state');
    await client.call('test_mrtr_unrelated');
    await client.call('test_mrtr_no_state');
    await client.call('test_mrtr_no_result_type');
  },
};
