// What a request says about itself in `_meta`: the caller's protocol keys end here, ours begin; all other keys pass.
import type { CallContext } from '../core/context.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import type { Era } from '../core/rpc.ts';
import { LOG_LEVELS, META, MODERN } from '../wire/revisions.ts';

/** Belong to the hop they were sent on (2026-07-28/basic, `_meta`). */
const OF_THE_HOP = [META.protocolVersion, META.clientInfo, META.clientCapabilities, META.logLevel, 'progressToken'];

/** The keys that every modern request carries. */
export function modernMeta(clientInfo: JsonObject, capabilities: JsonObject, logLevel?: string): JsonObject {
  return {
    [META.protocolVersion]: MODERN,
    [META.clientInfo]: clientInfo,
    [META.clientCapabilities]: capabilities,
    ...(logLevel !== undefined && { [META.logLevel]: logLevel }),
  };
}

/**
 * What a modern upstream is told that the caller can do: exactly what this caller declared, if somebody can be asked
 * at all (MP15); a modern caller is asked by the answer itself.
 */
export function capabilitiesOf(context: CallContext | undefined): JsonObject {
  if (context === undefined) return {};
  const reachable = context.ask !== undefined || context.client.era === 'modern';
  return reachable ? context.client.capabilities : {};
}

export interface Outgoing {
  era: Era;
  /** Becomes the progress token, when the caller wants progress. */
  id: number;
  context?: CallContext | undefined;
  clientInfo: JsonObject;
}

/** The params as the upstream shall get them; the given object is never changed (MP6, MP8). */
export function outgoingParams(params: JsonObject, { era, id, context, clientInfo }: Outgoing): JsonObject {
  const given = isObject(params._meta) ? params._meta : undefined;
  const wantsProgress = context?.progressToken !== undefined;
  const strip = given !== undefined && OF_THE_HOP.some((key) => key in given);
  if (era === 'legacy' && !strip && !wantsProgress) return params;

  const meta: JsonObject = { ...given };
  for (const key of OF_THE_HOP) delete meta[key];
  if (era === 'modern') Object.assign(meta, modernMeta(clientInfo, capabilitiesOf(context), context?.logLevel));
  if (wantsProgress) meta.progressToken = id;
  const { _meta: _, ...rest } = params;
  return Object.keys(meta).length === 0 ? rest : { ...rest, _meta: meta };
}

/** Whether a message of `level` is wanted by who asked for `wanted` and above; unknown levels are shown. */
export function levelWanted(level: unknown, wanted: string | undefined): boolean {
  if (wanted === undefined) return false;
  const at = LOG_LEVELS.indexOf(String(level));
  return at === -1 || at >= LOG_LEVELS.indexOf(wanted);
}

/** True when `level` lets more through than `than`. */
export function moreTalkative(level: string, than: string | undefined): boolean {
  return than === undefined || LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(than);
}
