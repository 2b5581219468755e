import { ByteList } from './byte-list.ts';
import { isObject, type JsonObject, textOf } from './json.ts';
import { OPEN_ARRAY, OPEN_OBJECT } from './json-bytes.ts';
import { type Member, scanObject } from './json-scan.ts';

/**
 * One JSON object on its way through the gateway: kept as the bytes it came in, as the value they mean, or both.
 * What is missing is made once, when somebody asks for it, so a result that nobody looks at is never parsed and
 * never written again (requirements: protocol.md MP8; numbers keep their spelling).
 */
export class Payload {
  #bytes: Buffer | undefined;
  /** The same bytes as they came, in pieces; put together only for those who need one. */
  #list: ByteList | undefined;
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

  /** From the bytes of one JSON object in pieces, checked by the caller; `members` is where its parts lie in them. */
  static pieces(list: ByteList, members: readonly Member[]): Payload {
    const payload = new Payload(list.parts.length === 1 ? list.parts[0] : undefined, undefined, members);
    payload.#list = list;
    return payload;
  }

  /** The object itself; shared, so it is read and never changed. Throws SyntaxError if the bytes were not JSON. */
  get value(): JsonObject {
    if (this.#value === undefined) {
      const parsed: unknown = JSON.parse(textOf(this.bytes));
      if (!isObject(parsed)) throw new SyntaxError('expected a JSON object');
      this.#value = parsed;
    }
    return this.#value;
  }

  /** The JSON text as UTF-8. */
  get bytes(): Buffer {
    this.#bytes ??= this.#list?.whole() ?? Buffer.from(JSON.stringify(this.#value));
    return this.#bytes;
  }

  /** The JSON text in pieces that follow each other, for those who write it. */
  get parts(): readonly Buffer[] {
    return this.#list?.parts ?? [this.bytes];
  }

  /** Length of the JSON text in bytes. */
  get size(): number {
    return this.#list?.length ?? this.bytes.length;
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
    if (this.#value !== undefined) return own(this.#value, key);
    const member = this.#scan().findLast((candidate) => candidate.key === key);
    return member && JSON.parse(textOf(this.#text(member)));
  }

  /** What kind of value one top-level member is, without building it; undefined where there is none. */
  kindOf(key: string): 'array' | 'object' | 'scalar' | undefined {
    if (this.#value !== undefined) {
      const value = own(this.#value, key);
      return Array.isArray(value) ? 'array' : isObject(value) ? 'object' : value === undefined ? undefined : 'scalar';
    }
    const member = this.#scan().findLast((candidate) => candidate.key === key);
    if (member === undefined) return undefined;
    const first = this.#list?.slice(member.valueStart, member.valueStart + 1)[0] ?? this.bytes[member.valueStart];
    return first === OPEN_ARRAY ? 'array' : first === OPEN_OBJECT ? 'object' : 'scalar';
  }

  #text({ valueStart, valueEnd }: Member): Buffer {
    return this.#list?.slice(valueStart, valueEnd) ?? this.bytes.subarray(valueStart, valueEnd);
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
    if (this.#bytes === undefined && this.#list === undefined) {
      const value: JsonObject = { ...(this.#value as JsonObject), ...set };
      for (const key of change.remove ?? []) if (!Object.hasOwn(set, key)) delete value[key];
      return Payload.of(value);
    }
    const list = this.#list ?? ByteList.of([this.bytes]);
    const members = this.#scan();
    const added = JSON.stringify(set).slice(1, -1);
    if (added === '' && !members.some(({ key }) => gone.has(key))) return this;
    const parts: Buffer[] = [Buffer.from(`{${added}`)];
    let first = added === '';
    for (let at = 0; at < members.length; at++) {
      const from = members[at] as Member;
      if (gone.has(from.key)) continue;
      // Members that follow each other go on in one piece, as they came.
      while (at + 1 < members.length && !gone.has((members[at + 1] as Member).key)) at++;
      if (!first) parts.push(COMMA);
      first = false;
      parts.push(...list.between(from.keyStart, (members[at] as Member).valueEnd));
    }
    parts.push(CLOSE);
    const size = parts.reduce((sum, part) => sum + part.length, 0);
    return size > LARGE ? Payload.#edited(parts, size) : Payload.raw(Buffer.concat(parts, size));
  }

  static #edited(parts: readonly Buffer[], size: number): Payload {
    const payload = new Payload(undefined, undefined);
    payload.#list = ByteList.of(parts, size);
    return payload;
  }
}

function own(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

const COMMA = Buffer.from(',');
const CLOSE = Buffer.from('}');
/** Bytes; what is shorter is put together after an edit. */
const LARGE = 64 * 1024;
