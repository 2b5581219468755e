import { isObject, type JsonObject } from './json.ts';
import { type Member, scanObject } from './json-scan.ts';

/**
 * One JSON object on its way through the gateway: kept as the bytes it came in, as the value they mean, or both.
 * What is missing is made once, when somebody asks for it, so a result that nobody looks at is never parsed and
 * never written again (requirements: protocol.md MP8; numbers keep their spelling).
 */
export class Payload {
  #bytes: Buffer | undefined;
  #value: JsonObject | undefined;
  #members: readonly Member[] | undefined;

  private constructor(bytes: Buffer | undefined, value: JsonObject | undefined, members?: readonly Member[]) {
    this.#bytes = bytes;
    this.#value = value;
    this.#members = members;
  }

  /** From a value; it must not be changed afterwards. */
  static of(value: JsonObject): Payload {
    return new Payload(undefined, value);
  }

  /**
   * From the bytes of one JSON object that the caller has checked; `value` is what they mean and `members` where its
   * parts lie in them, where that is known.
   */
  static raw(bytes: Buffer, value?: JsonObject, members?: readonly Member[]): Payload {
    return new Payload(bytes, value, members);
  }

  /** The object itself; shared, so it is read and never changed. Throws SyntaxError if the bytes were not JSON. */
  get value(): JsonObject {
    if (this.#value === undefined) {
      const parsed: unknown = JSON.parse((this.#bytes as Buffer).toString('utf8'));
      if (!isObject(parsed)) throw new SyntaxError('expected a JSON object');
      this.#value = parsed;
    }
    return this.#value;
  }

  /** The JSON text as UTF-8. */
  get bytes(): Buffer {
    this.#bytes ??= Buffer.from(JSON.stringify(this.#value));
    return this.#bytes;
  }

  /** Length of the JSON text in bytes. */
  get size(): number {
    return this.bytes.length;
  }

  /** Whether the value has been built already; asking for it is then free. */
  get parsed(): boolean {
    return this.#value !== undefined;
  }

  /** Whether there is a top-level member of this name, without building the value. */
  has(key: string): boolean {
    if (this.#value !== undefined) return Object.hasOwn(this.#value, key);
    return this.#scan().some((member) => member.key === key);
  }

  /** One top-level member, without building the rest. */
  get(key: string): unknown {
    if (this.#value !== undefined) return Object.hasOwn(this.#value, key) ? this.#value[key] : undefined;
    const member = this.#scan().findLast((candidate) => candidate.key === key);
    return member && JSON.parse(this.bytes.toString('utf8', member.valueStart, member.valueEnd));
  }

  /** The bytes of one top-level member, without building anything; undefined where there is none. */
  textOf(key: string): Buffer | undefined {
    const member = this.#scan().findLast((candidate) => candidate.key === key);
    return member && this.bytes.subarray(member.valueStart, member.valueEnd);
  }

  #scan(): readonly Member[] {
    this.#members ??= scanObject(this.bytes)?.members ?? [];
    return this.#members;
  }

  /**
   * The same object with top-level members set or removed; every other byte stays as it came.
   * A key in `set` replaces one of that name.
   */
  edit(change: { set?: JsonObject | undefined; remove?: readonly string[] | undefined }): Payload {
    const set = change.set ?? {};
    const gone = new Set([...(change.remove ?? []), ...Object.keys(set)]);
    if (this.#bytes === undefined) {
      const value: JsonObject = { ...(this.#value as JsonObject), ...set };
      for (const key of change.remove ?? []) if (!Object.hasOwn(set, key)) delete value[key];
      return Payload.of(value);
    }
    const bytes = this.#bytes;
    const members = this.#scan();
    const kept = members.filter((member) => !gone.has(member.key));
    const added = JSON.stringify(set).slice(1, -1);
    if (kept.length === members.length && added === '') return this;
    const parts: Buffer[] = [Buffer.from(`{${added}`)];
    if (kept.length === members.length) {
      // Nothing goes: the rest of the object follows in one piece, as it came.
      const first = members[0];
      if (first !== undefined && added !== '') parts.push(Buffer.from(','));
      parts.push(first === undefined ? Buffer.from('}') : bytes.subarray(first.keyStart));
      return Payload.raw(Buffer.concat(parts));
    }
    let first = added === '';
    for (const member of kept) {
      if (!first) parts.push(Buffer.from(','));
      first = false;
      parts.push(bytes.subarray(member.keyStart, member.valueEnd));
    }
    parts.push(Buffer.from('}'));
    return Payload.raw(Buffer.concat(parts));
  }
}
