// Long-running tasks: two generations that are not each other's (the 2025-11-25 experiment and the 2026 extension).
// Each is passed through where both sides speak it, and never otherwise (protocol.md MP27).
import type { ClientDescription } from '../core/context.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import type { UpstreamIdentity } from '../core/upstream.ts';

export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks';

/** Methods about tasks, by generation; `tasks/list` names none and is asked of every upstream that has it. */
const METHODS = {
  legacy: new Set(['tasks/get', 'tasks/result', 'tasks/cancel', 'tasks/list']),
  modern: new Set(['tasks/get', 'tasks/update', 'tasks/cancel']),
} as const;

export function isTaskMethod(method: string, { era }: Pick<ClientDescription, 'era'>): boolean {
  return METHODS[era].has(method);
}

/** What an upstream declares of the generation that a client of this era would use; undefined where it has none. */
export function tasksOf(
  identity: UpstreamIdentity | undefined,
  { era, revision }: Pick<ClientDescription, 'era' | 'revision'>,
): JsonObject | undefined {
  if (identity === undefined || identity.era !== era) return undefined;
  if (era === 'legacy') {
    const { tasks } = identity.capabilities;
    return revision >= '2025-11-25' && isObject(tasks) ? tasks : undefined;
  }
  const { extensions } = identity.capabilities;
  const declared = isObject(extensions) ? extensions[TASKS_EXTENSION] : undefined;
  return isObject(declared) ? declared : undefined;
}

/** Whether this client may see tasks at all: a modern one has to declare the extension. */
export function wantsTasks({ era, capabilities }: Pick<ClientDescription, 'era' | 'capabilities'>): boolean {
  if (era === 'legacy') return true;
  return isObject(capabilities.extensions) && capabilities.extensions[TASKS_EXTENSION] !== undefined;
}

/** Which upstream runs which task, learned from the answers that named it. Bounded; the oldest are forgotten. */
export class TaskOwners {
  readonly #owners = new Map<string, string>();
  readonly #limit: number;

  constructor(limit = 10_000) {
    this.#limit = limit;
  }

  /** Takes note of the tasks that a result names: one that was created, or a list. */
  learn(principal: string, upstream: string, result: JsonObject): void {
    const { task, taskId, tasks } = result;
    for (const one of [task, { taskId }, ...(Array.isArray(tasks) ? (tasks as unknown[]) : [])]) {
      if (isObject(one) && typeof one.taskId === 'string') this.#set(`${principal}\0${one.taskId}`, upstream);
    }
  }

  /** The upstream of a task that this principal has seen. */
  of(principal: string, taskId: string): string | undefined {
    return this.#owners.get(`${principal}\0${taskId}`);
  }

  #set(key: string, upstream: string): void {
    this.#owners.delete(key);
    this.#owners.set(key, upstream);
    if (this.#owners.size > this.#limit) this.#owners.delete(this.#owners.keys().next().value as string);
  }
}
