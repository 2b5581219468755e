// The methods both eras have, from parameters to a result without the fields that only one era knows.
import { RpcError, ToolError } from '../rpc.mjs';
import { text } from './content.mjs';
import { complete, prompts } from './prompts.mjs';
import { RESOURCES, read, TEMPLATES } from './resources.mjs';
import { tools } from './tools.mjs';

/** @param {{ run?: unknown, get?: unknown, [key: string]: unknown }} entry */
const listed = ({ run: _run, get: _get, ...definition }) => definition;

/** @param {any} params @param {import('./tools.mjs').Call} call */
async function callTool(params, call) {
  const tool = tools(call.world).find(({ name }) => name === params?.name);
  if (!tool) throw new RpcError(-32602, `Unknown tool: ${params?.name}`);
  try {
    return { content: await tool.run(params.arguments ?? {}, call) };
  } catch (error) {
    if (error instanceof ToolError) return { content: [text(error.message)], isError: true };
    throw error;
  }
}

/** @param {any} params @param {import('./tools.mjs').Call} call */
async function getPrompt(params, call) {
  const prompt = prompts(call.world).find(({ name }) => name === params?.name);
  if (!prompt) throw new RpcError(-32602, `Unknown prompt: ${params?.name}`);
  return { messages: await prompt.get(params.arguments ?? {}, call) };
}

/** @param {any} params @param {number} missingCode the code of this era for a resource that is not there */
function readResource(params, missingCode) {
  const content = read(params?.uri);
  if (!content) throw new RpcError(missingCode, 'Resource not found', { data: { uri: params?.uri } });
  return { contents: [content] };
}

/**
 * @param {string} method
 * @param {any} params
 * @param {import('./tools.mjs').Call} call
 * @param {{ missingResource: number }} codes
 * @returns {Promise<Record<string, unknown>>}
 * @throws {RpcError}
 */
export async function perform(method, params, call, { missingResource }) {
  switch (method) {
    case 'tools/list':
      return { tools: tools(call.world).map(listed) };
    case 'tools/call':
      return callTool(params, call);
    case 'prompts/list':
      return { prompts: prompts(call.world).map(listed) };
    case 'prompts/get':
      return getPrompt(params, call);
    case 'resources/list':
      return { resources: RESOURCES };
    case 'resources/templates/list':
      return { resourceTemplates: TEMPLATES };
    case 'resources/read':
      return readResource(params, missingResource);
    case 'completion/complete':
      return { completion: complete(String(params?.argument?.value ?? '')) };
    default:
      throw new RpcError(-32601, `Method not found: ${method}`, { status: 404 });
  }
}
