// What is kept of approvals between two runs, and how a decision changes it.
import { isObject, type JsonObject } from '../core/json.ts';
import type { ApprovalMade } from '../core/ports.ts';
import type { Start } from './fingerprint.ts';

/** Who approves what nobody had to: it was there when approvals were switched on, or stands in the operator's own file. */
export const FIRST_SIGHT = 'first sight';

/** Who said yes or no, when (milliseconds since 1970), and to what. */
interface Word {
  print: string;
  by: string;
  at: number;
}

export interface ToolRecord {
  /** With what was seen, for the next comparison. */
  approved?: (Word & { parts?: JsonObject | undefined }) | undefined;
  rejected?: Word | undefined;
}

export interface ServerRecord {
  approved?: (Word & { start?: Start | undefined }) | undefined;
  /** What somebody wants started instead. */
  asked?: (Word & { start: Start }) | undefined;
  rejected?: Word | undefined;
  /** By the upstream's own names. */
  tools: Map<string, ToolRecord>;
}

export interface KeptApprovals {
  servers: Map<string, ServerRecord>;
  /** The oldest first. */
  decisions: ApprovalMade[];
}

/** One decision, as gateways tell it each other. */
export interface Decided {
  upstream: string;
  approve: boolean;
  by: string;
  at: number;
  /** Without a tool: the upstream itself. */
  subjects: readonly { tool?: string | undefined; fingerprint: string }[];
}

export function decideServer(record: ServerRecord, approve: boolean, word: Word): void {
  const { asked } = record;
  const start = asked?.print === word.print ? asked.start : record.approved?.start;
  if (approve) {
    record.approved = { ...word, start };
    record.rejected = undefined;
    record.asked = undefined;
  } else {
    if (record.approved?.print === word.print) record.asked = { ...word, start: start ?? {} };
    if (record.approved?.print === word.print) record.approved = undefined;
    record.rejected = word;
  }
}

export function decideTool(
  before: ToolRecord | undefined,
  approve: boolean,
  { parts, ...word }: Word & { parts: JsonObject | undefined },
): ToolRecord {
  if (approve) return { approved: { ...word, parts } };
  // What was approved before stays so, should the tool become that again.
  return { approved: before?.approved?.print === word.print ? undefined : before?.approved, rejected: word };
}

/** As it stands in the document; whatever is none gives an empty one. */
export function readKept(document: unknown): KeptApprovals {
  const { servers, decisions } = isObject(document) ? document : {};
  const pairs = (value: unknown) =>
    (Array.isArray(value) ? (value as unknown[]) : []).filter(
      (pair): pair is [string, JsonObject] => Array.isArray(pair) && typeof pair[0] === 'string' && isObject(pair[1]),
    );
  return {
    servers: new Map(
      pairs(servers).map(([name, { tools, ...record }]) => [
        name,
        { ...(record as Omit<ServerRecord, 'tools'>), tools: new Map(pairs(tools) as [string, ToolRecord][]) },
      ]),
    ),
    decisions: Array.isArray(decisions) ? (decisions as ApprovalMade[]) : [],
  };
}

/** Names are an upstream's own (`__proto__`), so pairs and not keys. */
export function writeKept({ servers, decisions }: KeptApprovals): JsonObject {
  return {
    servers: [...servers].map(([name, { tools, ...record }]) => [name, { ...record, tools: [...tools] }]),
    decisions,
  };
}
