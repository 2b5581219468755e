// The JSON Schema of holdfast.json and its reference page, both made from the schema that reads the file.
import * as z from 'zod';
import { ENVIRONMENT } from '../../src/config/environment.ts';
import { configSchema } from '../../src/config/schema.ts';

interface Schema {
  $ref?: string;
  allOf?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  title?: string;
  description?: string;
  default?: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: Schema | boolean;
  propertyNames?: unknown;
  definitions?: Record<string, Schema>;
}

/** Draft 7, which every editor reads. */
function jsonSchema(): Schema {
  const schema = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-07' }) as Schema;
  strip(schema);
  const { $schema: _, ...rest } = schema as Schema & { $schema?: string };
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Configuration of Holdfast (holdfast.json)',
    allowComments: true,
    allowTrailingCommas: true,
    ...rest,
  } as Schema;
}

/** Takes away what says nothing: `{}` as the default of an object whose keys have their own, names that are texts. */
function strip(schema: unknown): void {
  if (Array.isArray(schema)) schema.forEach(strip);
  if (typeof schema !== 'object' || schema === null) return;
  const { default: value, propertyNames } = schema as Schema;
  if (value !== undefined && JSON.stringify(value) === '{}') delete (schema as Schema).default;
  if (propertyNames !== undefined) delete (schema as Schema).propertyNames;
  Object.values(schema).forEach(strip);
}

class Reference {
  readonly #root: Schema;
  constructor(root: Schema) {
    this.#root = root;
  }

  /** The schema behind a reference, with what stands beside the reference. */
  #open(schema: Schema): Schema {
    const ref = schema.$ref ?? schema.allOf?.[0]?.$ref;
    if (ref === undefined) return schema;
    const { allOf: _, $ref: __, ...own } = schema;
    return { ...this.#root.definitions?.[ref.split('/').at(-1) as string], ...own };
  }

  type(schema: Schema): string {
    const open = this.#open(schema);
    if (open.title === 'duration' || schema.$ref?.endsWith('/size') || open.title === 'size')
      return open.title ?? 'size';
    if (open.const !== undefined) return code(open.const);
    if (open.enum !== undefined) return open.enum.map(code).join(', ');
    const choices = open.anyOf ?? open.oneOf;
    if (choices !== undefined) {
      const kinds = [...new Set(choices.map((one) => this.type(one)))];
      return kinds.includes('text') && kinds.every((kind) => SCALARS.has(kind)) ? 'text' : kinds.join(' or ');
    }
    if (open.type === 'array') return `list of ${this.type(open.items ?? {})}`;
    if (open.type === 'object') {
      const values = open.additionalProperties;
      return typeof values === 'object' ? `map to ${this.type(values)}` : 'object';
    }
    if (Array.isArray(open.type)) return open.type.includes('string') ? 'text' : open.type.map(kind).join(' or ');
    return kind(open.type ?? '');
  }

  /** One row per key; keys of objects follow with their path. */
  rows(schema: Schema, prefix = ''): string[] {
    const open = this.#open(schema);
    return Object.entries(open.properties ?? {}).flatMap(([name, child]) => {
      const path = `${prefix}${name}`;
      const inner = this.#open(child);
      const of = this.#open(inner.type === 'array' ? (inner.items ?? {}) : mapValue(inner));
      const row = this.#row(path, child, open.required?.includes(name) === true);
      if (inner.oneOf !== undefined)
        return [row, ...inner.oneOf.flatMap((one) => this.rows(one, `${path}(${kindOf(one)}).`))];
      if (inner.properties !== undefined) return [row, ...this.rows(inner, `${path}.`)];
      if (of.properties !== undefined)
        return [row, ...this.rows(of, `${path}${inner.type === 'array' ? '[].' : '.<name>.'}`)];
      return [row];
    });
  }

  #row(path: string, schema: Schema, required: boolean): string {
    const { default: value, description = '' } = this.#open(schema);
    const written = value === undefined ? (required ? 'required' : '') : code(value);
    return `| \`${path}\` | ${cell(this.type(schema))} | ${cell(written)} | ${cell(description)} |`;
  }
}

const SCALARS: ReadonlySet<string> = new Set(['text', 'number', 'true or false']);
const NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'number',
  integer: 'whole number',
  boolean: 'true or false',
  null: 'null',
};

function kind(type: string): string {
  return NAMES[type] ?? 'anything';
}

function mapValue(schema: Schema): Schema {
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : {};
}

/** Which one of several kinds of an object this is: the fixed value that tells them apart. */
function kindOf(schema: Schema): unknown {
  return Object.values(schema.properties ?? {}).find((property) => property.const !== undefined)?.const;
}

function code(value: unknown): string {
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}

function cell(text: string): string {
  return text === '``' ? '`""`' : text.replaceAll('|', '\\|');
}

const HEAD = '| Key | Type | Default | Meaning |\n|---|---|---|---|';

function referencePage(schema: Schema): string {
  const reference = new Reference(schema);
  const { upstreams, defaults, endpoints, endpointDefaults, ...others } = schema.properties ?? {};
  const upstream = reference.rows(mapValue(upstreams ?? {}));
  const endpoint = reference.rows({ $ref: '#/definitions/endpoint' });
  const rest = reference.rows({ ...schema, properties: others });
  const variables = ENVIRONMENT.map(
    ({ name, key, above }) => `| \`${name}\` | \`${key}\` | ${above ? 'more' : 'less'} |`,
  );
  return `<!-- Made by \`npm run docs\` from src/config/schema.ts. Do not edit. -->
# Configuration reference

The native file is \`holdfast.json\`: JSON in which comments, trailing commas and a byte order mark are allowed.
An unknown key is an error, except under \`extensions\`. Editors complete and check the file with
\`"$schema": "./node_modules/holdfast/schema/holdfast.schema.json"\`.

- **duration**: a number of seconds, or a text with a unit: \`"500ms"\`, \`"30s"\`, \`"5m"\`, \`"1h"\`, \`"2d"\`. At most 24 days.
- **size**: a number of bytes, or a text with a unit: \`"64KB"\`, \`"4MB"\`, \`"1GB"\` (1 KB = 1024 bytes).
- **references** in texts: \`\${env:NAME}\`, \`\${env:NAME:-fallback}\`, \`\${file:path}\`, \`\${secret:name}\`; \`$\${\` writes a plain \`\${\`.
  One that has no value keeps only its own upstream from starting; its value is never shown.
- A relative path belongs to the folder of the file; \`~/\` is the home directory.

## Upstreams

Each entry of \`upstreams\` is one MCP server, with a \`command\` to start, a \`url\` to reach, or both: a process that is
started and reached over HTTP. \`defaults\` takes the same keys and is laid under every upstream: objects are merged key
by key, lists and values are replaced.

Any text is an id, but these are reserved: \`mcp\`, \`sse\`, \`messages\`, \`docs\`, \`redoc\`, \`openapi.json\`, \`api\`, \`ui\`,
\`health\`, \`healthz\`, \`metrics\`, \`diagnostics\`, \`status\`, \`oauth\`, \`.well-known\`, \`favicon.ico\`, \`custom\`,
\`converged\`, \`passthrough\`.

${HEAD}
${upstream.join('\n')}

## Endpoints

Each entry of \`endpoints\` is a remote MCP client that the gateway dials: a Xiaozhi agent. \`endpoints\` may also be one
URL, or a list of URLs; \`endpointDefaults\` takes every key but \`url\`, \`name\`, \`group\`, \`role\` and \`standby\`, and is laid
under every endpoint. An address that is empty or still a placeholder is ignored with a warning; an address with a
reference that has no value likewise.

${HEAD}
${endpoint.join('\n')}

## Everything else

${HEAD}
${rest.join('\n')}

## Files of other programs

\`serve --config\` also reads what other programs write. The content tells which one it is; \`--config-format\` forces a
reader. Such a file is never written. A server in it that cannot be started as it stands (no command, an unknown type)
concerns itself only; a value of the wrong kind refuses the file. Unknown keys are kept under \`extensions\`. A reserved
or repeated id gets a number (\`docs-1\`), with a warning. A \`url\` without a type means \`transport: auto\`.

| Format | Told by |
|---|---|
| \`native\` | \`upstreams\`, or nothing of what follows |
| \`xiaozhi\` | \`mcpEndpoint\` or \`mcpServerConfig\` |
| \`mcpx\` | the list \`mcp_servers\`; or \`mcpServers\` with \`health_check_…\`, \`toon_compression_…\`, \`disabled_tools\` |
| \`codex\` | the table \`mcp_servers\`, in TOML |
| \`echo-export\` | \`version\`, \`timestamp\` and \`servers\` |
| \`echo\` | \`mcpServers\` with \`defaultServer\` or \`environmentVariables\` |
| \`mcpo\` | \`mcpServers\` with \`global_connection_settings\`, \`connection_settings\`, \`oauth\` or \`client_header_forwarding\` |
| \`mcphub\` | \`mcpServers\` with \`users\`, \`groups\` or \`systemConfig\` |
| \`claude-code\` | \`projects\` |
| \`gemini\` | \`mcpServers\` with \`httpUrl\` |
| \`mcp-servers\` | any other \`mcpServers\`: Claude Desktop, Cursor and most others; also \`windsurf\`, \`bridge\` when forced |
| \`map\` | an object of objects with \`command\`, \`url\` or \`type\` |
| \`vscode\` | \`servers\`, or \`mcp.servers\` |

References in them: \`\${VAR}\`, \`\${VAR:-default}\`, \`\${env:VAR}\`, \`\${input:id}\` (the secret \`id\`), \`\${workspaceFolder}\` (the
folder of the file), \`\${userHome}\`.

## Environment variables

The command line counts most, then the environment, then the file, then the defaults; the variables of mcpo count less
than the file.

| Variable | Sets | Compared with the file it counts |
|---|---|---|
${variables.join('\n')}

\`holdfast config explain\` names the variable beside each value that came from one. Three more are read before there is a
configuration, or beside it:

| Variable | What it says |
|---|---|
| \`HOLDFAST_CONFIG\` | The configuration file, where no \`--config\` does. |
| \`HOLDFAST_API_KEY\` | To \`serve\` and \`start\`: a key that callers need. To the other commands: the key for the running gateway. |
| \`HOLDFAST_SECRET_KEY_FILE\` | The file with the key of the stored secrets (\`holdfast secret\`). |
`;
}

/** Every generated file of this kind, by its path in the repository. */
export function configDocs(): Record<string, string> {
  const schema = jsonSchema();
  return {
    'schema/holdfast.schema.json': `${JSON.stringify(schema, null, 2)}\n`,
    'docs/reference/config.md': referencePage(schema),
  };
}
