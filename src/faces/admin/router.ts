// Finds the operation of a path. Keys are looked at before anything is said about what exists (requirements 10.26).
import type { ApiOperation } from './api.ts';

interface Node {
  fixed: Map<string, Node>;
  variable: { name: string; node: Node } | undefined;
  operations: Map<string, ApiOperation>;
}

export type Found = { operation: ApiOperation; params: Record<string, string> } | { allow: string[] } | undefined;

export function createRouter(operations: readonly ApiOperation[]): (method: string, path: string) => Found {
  const root = node();
  for (const operation of operations) {
    let at = root;
    for (const part of operation.path.split('/').slice(1)) at = step(at, part);
    if (at.operations.has(operation.method)) throw new Error(`two operations at ${operation.method} ${operation.path}`);
    at.operations.set(operation.method, operation);
  }
  return (method, path) => {
    const params: Record<string, string> = {};
    let at: Node | undefined = root;
    for (const raw of path.split('/').slice(1)) {
      const part = decoded(raw);
      if (at === undefined || part === undefined || part === '') return undefined;
      const next: Node | undefined = at.fixed.get(part);
      if (next === undefined && at.variable !== undefined) params[at.variable.name] = part;
      at = next ?? at.variable?.node;
    }
    if (at === undefined || at.operations.size === 0) return undefined;
    const operation = at.operations.get(method === 'HEAD' ? 'GET' : method);
    return operation === undefined ? { allow: [...at.operations.keys()] } : { operation, params };
  };
}

function node(): Node {
  return { fixed: new Map(), variable: undefined, operations: new Map() };
}

function step(at: Node, part: string): Node {
  const name = /^\{(\w+)\}$/.exec(part)?.[1];
  if (name === undefined) {
    const next = at.fixed.get(part) ?? node();
    at.fixed.set(part, next);
    return next;
  }
  at.variable ??= { name, node: node() };
  if (at.variable.name !== name) throw new Error(`{${name}} and {${at.variable.name}} stand at the same place`);
  return at.variable.node;
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
