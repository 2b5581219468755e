// A tree of types → TypeScript text at a chosen level of detail.
import { identifier, type NamedType, type Type, type TypeMember } from './schema-type.ts';

/** How much of a type is told. */
export interface Detail {
  /** Longest description that goes into a comment; 0 for none. */
  description: number;
  /** Bounds, formats and defaults as comments. */
  facts: boolean;
  /** No space that TypeScript does not need. */
  tight?: boolean;
  /** Literals of one union beyond this number are left out, and the union says so. */
  literals?: number;
  /** Optional properties: with their type, by name only, or only counted. */
  optional?: 'typed' | 'named' | 'counted';
  /** Required properties without their type. */
  bare?: boolean;
  /** Objects nested deeper than this are told as `object`. */
  depth?: number;
}

/** The text of a type; named types it uses follow on lines of their own, so that `type X = ` before it is TypeScript. */
export function writeType(type: Type, detail: Detail): string {
  return new TypeWriter(detail).write(type);
}

class TypeWriter {
  readonly #detail: Detail;
  readonly #names = new Map<NamedType, string>();
  readonly #taken = new Set<string>();
  readonly #texts = new Map<NamedType, string>();
  readonly #queue: NamedType[] = [];

  constructor(detail: Detail) {
    this.#detail = detail;
  }

  write(type: Type): string {
    const lines = [this.#text(type, 0)];
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      lines.push(`type ${this.#names.get(next)} = ${this.#body(next)}`);
    }
    return lines.join('\n');
  }

  #text(type: Type, depth: number): string {
    switch (type.kind) {
      case 'text':
        return type.text;
      case 'literals':
        return this.#literals(type.values);
      case 'array': {
        const inner = this.#text(type.of, depth);
        return `${needsParentheses(type.of, inner) ? `(${inner})` : inner}[]`;
      }
      case 'tuple': {
        const items = type.items.map((item, index) => {
          const text = this.#text(item, depth);
          if (index < type.required) return text;
          return `${needsParentheses(item, text) ? `(${text})` : text}?`;
        });
        if (type.rest !== undefined) {
          const rest = this.#text(type.rest, depth);
          items.push(`...${needsParentheses(type.rest, rest) ? `(${rest})` : rest}[]`);
        }
        return `[${items.join(this.#detail.tight ? ',' : ', ')}]`;
      }
      case 'record': {
        const inner = this.#text(type.of, depth);
        // A named type may lead back here, and `Record<…>` must not be circular.
        return this.#names.size > 0 ? `{[key: string]: ${inner}}` : `Record<string, ${inner}>`;
      }
      case 'object':
        return this.#object(type, depth);
      case 'union':
        return distinct(type.of.map((part) => this.#text(part, depth))).join(this.#or);
      case 'both': {
        const texts = type.of.map((part) => {
          const text = this.#text(part, depth);
          return isUnion(part) && text.includes('|') ? `(${text})` : text;
        });
        const parts = distinct(texts).filter((text) => text !== 'unknown');
        return parts.length === 0 ? 'unknown' : parts.join(this.#detail.tight ? '&' : ' & ');
      }
      case 'named':
        return this.#named(type.to, depth);
    }
  }

  get #or(): string {
    return this.#detail.tight ? '|' : ' | ';
  }

  #named(named: NamedType, depth: number): string {
    if (named.type === undefined) return 'unknown';
    if (!named.recursive) {
      if (named.uses < 2) return this.#text(named.type, depth);
      if (!this.#names.has(named)) {
        const text = this.#inline(named, depth);
        const name = identifier(named.hint) ?? 'T';
        const cost = text.length * named.uses;
        if (text.length < 12 || cost <= text.length + name.length * (named.uses + 1) + 9) return text;
      }
    }
    let name = this.#names.get(named);
    if (name === undefined) {
      name = this.#unique(named.hint);
      this.#names.set(named, name);
      this.#queue.push(named);
    }
    return name;
  }

  /** What a type that is used several times would be in place; written once, however often it is used. */
  #inline(named: NamedType, depth: number): string {
    let text = this.#texts.get(named);
    if (text === undefined) {
      text = this.#text(named.type as Type, depth);
      this.#texts.set(named, text);
    }
    return text;
  }

  #body(named: NamedType): string {
    return named.recursive ? this.#text(named.type as Type, 1) : this.#inline(named, 1);
  }

  #unique(hint: string): string {
    const base = identifier(hint) ?? 'T';
    let name = /^[a-z]/.test(base) ? `${base[0]?.toUpperCase()}${base.slice(1)}` : base;
    name = identifier(name) ?? name;
    for (let count = 2; this.#taken.has(name); count++) name = `${base}${count}`;
    this.#taken.add(name);
    return name;
  }

  #literals(values: readonly string[]): string {
    const most = this.#detail.literals ?? Number.POSITIVE_INFINITY;
    if (values.length <= most) return values.join(values.length > 8 ? '|' : this.#or);
    const kinds = distinct(
      values.map((value) => (value.startsWith('"') ? 'string' : /^[-\d]/.test(value) ? 'number' : 'unknown')),
    );
    return `${[...values.slice(0, most), ...kinds].join(this.#or)} /* +${values.length - most} */`;
  }

  #object(type: Extract<Type, { kind: 'object' }>, depth: number): string {
    const { optional = 'typed', bare = false, depth: deepest = Number.POSITIVE_INFINITY } = this.#detail;
    if (depth > deepest && type.members.length > 0) return 'object';
    const parts: string[] = [];
    let left = 0;
    for (const member of type.members) {
      if (member.optional && optional === 'counted') left++;
      else if (bare || (member.optional && optional === 'named')) parts.push(propertyName(member));
      else parts.push(`${propertyName(member)}:${this.#detail.tight ? '' : ' '}${this.#member(member, depth)}`);
    }
    if (type.others !== undefined && !bare && optional === 'typed') {
      const inner = this.#text(type.others, depth + 1);
      // An index signature has to cover the named properties too, so its own type can only be told.
      parts.push(`[key: string]: unknown${inner === 'unknown' ? '' : comment(`else ${inner}`)}`);
    }
    if (left > 0) parts.push(`/* +${left} optional */`);
    return `{${parts.join(this.#detail.tight ? ';' : '; ')}}`;
  }

  #member(member: TypeMember, depth: number): string {
    const text = this.#text(member.type, depth + 1);
    if (text.startsWith('{') && text.length > 200 && !this.#detail.facts) return text;
    const facts = this.#detail.facts ? distinct([...this.#factsOf(member.type), ...member.facts]) : [];
    const room = this.#detail.description;
    const words = room === 0 ? '' : shorten(member.description, room);
    const all = [facts.join(', '), words].filter((part) => part !== '').join('. ');
    return all === '' ? text : `${text}${comment(all)}`;
  }

  #factsOf(type: Type): string[] {
    const own = type.facts ?? [];
    if (type.kind === 'named') {
      const { to } = type;
      return this.#names.has(to) || to.recursive || to.type === undefined ? own : [...own, ...this.#factsOf(to.type)];
    }
    if (type.kind !== 'array') return own;
    const each = this.#factsOf(type.of);
    return each.length === 0 ? own : [...own, `each ${each.join(', ')}`];
  }
}

function comment(text: string): string {
  return ` /* ${text.replaceAll('*/', '* /')} */`;
}

function propertyName(member: TypeMember): string {
  const isPlain = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(member.name);
  return `${isPlain ? member.name : JSON.stringify(member.name)}${member.optional ? '?' : ''}`;
}

/** On one line, cut between words where it can be, "..." where it was cut. */
export function shorten(text: string, most: number): string {
  const line = text.length > most * 4 + 200 ? oneLine(text.slice(0, most * 4 + 200)) : oneLine(text);
  if (line.length <= most) return line;
  const cut = line.slice(0, Math.max(0, most - 3));
  const space = cut.lastIndexOf(' ');
  const whole = (space > most * 0.6 ? cut.slice(0, space) : cut).replace(/[\uD800-\uDBFF]$/, '');
  return `${whole.replace(/[\s,.;:]+$/, '')}...`;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

function isUnion(type: Type): boolean {
  if (type.kind === 'named') return type.to.type !== undefined && isUnion(type.to.type);
  return type.kind === 'union' || type.kind === 'literals';
}

function needsParentheses(type: Type, text: string): boolean {
  if (type.kind === 'named')
    return !/^[\p{ID_Continue}$]+$/u.test(text) && type.to.type !== undefined && needsParentheses(type.to.type, text);
  return (isUnion(type) || type.kind === 'both') && /[|&]/.test(text);
}

function distinct(texts: string[]): string[] {
  return [...new Set(texts)];
}
