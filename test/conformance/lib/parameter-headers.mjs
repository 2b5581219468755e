// `Mcp-Param-*`: arguments that a tool wants to see as headers (SEP-2243).

/** @param {string} value */
const isSafe = (value) => /^[\x20-\x7e]*$/.test(value) && value === value.trim() && !/^=\?base64\?.*\?=$/.test(value);

/** @param {any} schema @param {any} args @returns {Record<string, string>} */
export function parameterHeaders(schema, args) {
  /** @type {Record<string, string>} */
  const headers = {};
  for (const [key, property] of Object.entries(schema?.properties ?? {})) {
    const suffix = /** @type {any} */ (property)['x-mcp-header'];
    if (suffix === undefined || args[key] === undefined || args[key] === null) continue;
    const value = String(args[key]);
    headers[`mcp-param-${suffix}`] = isSafe(value) ? value : `=?base64?${Buffer.from(value).toString('base64')}?=`;
  }
  return headers;
}
