// The OpenAPI document of the management API, made from the table that routes it (12.6).
import * as z from 'zod';
import type { JsonObject } from '../../core/json.ts';
import type { ApiOperation } from './api.ts';

const ROLES = {
  open: 'Open.',
  read: 'Needs a key with the role read or admin.',
  admin: 'Needs a key with the role admin, or the admin token.',
} as const;

export function describeApi(operations: readonly ApiOperation[], version: string): JsonObject {
  const paths: Record<string, JsonObject> = {};
  for (const operation of operations) {
    const path = `/api/v1${operation.path}`;
    paths[path] ??= {};
    (paths[path] as JsonObject)[operation.method.toLowerCase()] = describe(operation);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Holdfast management API',
      version,
      description: 'Errors are `{"detail": …}`: a text, or an object with `message`.',
    },
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        key: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
      },
      schemas: {
        Error: {
          type: 'object',
          required: ['detail'],
          properties: {
            detail: { anyOf: [{ type: 'string' }, { type: 'object', additionalProperties: true }, { type: 'array' }] },
          },
        },
      },
    },
  };
}

function describe({ method, path, needs, tag, summary, query, body, answer }: ApiOperation): JsonObject {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const inQuery = Object.entries(query ?? {}).map(([name, description]) => ({
    name,
    in: 'query',
    required: false,
    description,
    schema: { type: 'string' },
  }));
  const error = { description: 'Refused.', content: json({ $ref: '#/components/schemas/Error' }) };
  const stream = path === '/events';
  return {
    operationId: operationId(method, path),
    tags: [tag],
    summary,
    description: ROLES[needs],
    security: needs === 'open' ? [] : [{ bearer: [] }, { key: [] }],
    ...(inPath.length + inQuery.length > 0 && { parameters: [...inPath, ...inQuery] }),
    ...(body !== undefined && { requestBody: { required: true, content: json(schemaOf(body)) } }),
    responses: {
      '200': { description: answer ?? 'Done.', content: stream ? { 'text/event-stream': {} } : json({}) },
      ...(needs !== 'open' && { '401': error, '403': error }),
      default: error,
    },
  };
}

function json(schema: JsonObject): JsonObject {
  return { 'application/json': { schema } };
}

function schemaOf(body: z.ZodType): JsonObject {
  const { $schema: _, ...schema } = z.toJSONSchema(body, { io: 'input' }) as JsonObject;
  return schema;
}

/** `POST /upstreams/{name}/restart` → `postUpstreamsNameRestart`. */
function operationId(method: string, path: string): string {
  const words = path.split(/[^A-Za-z]+/).filter(Boolean);
  return method.toLowerCase() + words.map((word) => word[0]?.toUpperCase() + word.slice(1)).join('');
}
