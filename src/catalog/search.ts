// Finds tools by what they do (issue: search). An inverted index that is changed tool by tool, never built anew for a
// question; only words that no tool knows are taken for typing errors.
import { isObject, type JsonObject } from '../core/json.ts';
import { editDistance } from '../core/nearest.ts';
import { STOP_CHARACTERS, STOP_WORDS, synonyms, translations } from './search-lexicon.ts';
import { gramsOf, type Pieces, piecesOf, stem } from './search-words.ts';

/** What is known of one tool. */
export interface SearchDocument {
  /** Identifies the tool; the same id again replaces it. */
  id: string;
  server: string;
  name: string;
  /** The definition of tools/list: title, description and parameters are read. */
  definition: JsonObject;
  instructions?: string | undefined;
}

export interface SearchHit {
  id: string;
  score: number;
}

/** How much a word counts by where it stands. */
const WEIGHTS = {
  server: 2.2,
  name: 2.6,
  title: 2,
  lead: 1.5,
  rest: 0.5,
  parameter: 0.6,
  words: 0.25,
  instructions: 0.12,
};
/** How much less a word counts that only stands for the one asked for. */
const SYNONYM = 0.55;
const TRANSLATION = 0.85;
/** A Chinese word in a description is worth less than its English one in a name. */
const NATIVE = 0.8;
const CORRECTION = 0.8;
const PREFIX = 0.6;
/** Saturation of repeated words. */
const SATURATION = 1.6;
/** Longest text of one field that is read. */
const MAX_TEXT = 2_500;
const MAX_INSTRUCTIONS = 1_000;
/** Words whose stem is remembered, so that it is found once. */
const MAX_STEMS = 50_000;
/** Words of a question beyond this number are ignored. */
const MAX_TERMS = 40;
const MAX_CORRECTIONS = 4;

interface Term {
  /** Words that answer it, each with its weight. */
  alternatives: Map<string, number>;
  weight: number;
}

/** An index over the tools of a view. */
export class ToolSearch {
  readonly #synonyms = synonyms(stem);
  readonly #chinese = translations(stem);
  readonly #stems = new Map<string, string>();
  #last: { text: string; pieces: Pieces } | undefined;
  /** For each word the tools that have it, with the weight it has there. */
  readonly #postings = new Map<string, Map<string, number>>();
  readonly #documents = new Map<string, { source: SearchDocument; words: string[]; norm: number }>();
  /** Known words by length, with the set of letters in each, for corrections. */
  readonly #byLength = new Map<number, Map<string, number>>();

  get size(): number {
    return this.#documents.size;
  }

  /** Makes the index hold exactly these tools; costs what changed. */
  update(documents: Iterable<SearchDocument>): void {
    const gone = new Set(this.#documents.keys());
    for (const document of documents) {
      gone.delete(document.id);
      this.put(document);
    }
    for (const id of gone) this.remove(id);
  }

  /** Adds one tool, or replaces it if it says something else now; true if that was work. */
  put(document: SearchDocument): boolean {
    const known = this.#documents.get(document.id)?.source;
    if (known !== undefined && sameDocument(known, document)) return false;
    this.remove(document.id);
    this.#add(document);
    return true;
  }

  remove(id: string): void {
    const known = this.#documents.get(id);
    if (known === undefined) return;
    this.#documents.delete(id);
    for (const word of known.words) {
      const posting = this.#postings.get(word);
      posting?.delete(id);
      if (posting?.size !== 0) continue;
      this.#postings.delete(word);
      this.#byLength.get(word.length)?.delete(word);
    }
  }

  #add(document: SearchDocument): void {
    const weights = new Map<string, number>();
    const count = (text: unknown, weight: number) => {
      if (typeof text !== 'string' || text === '') return;
      const { words, chinese } = this.#pieces(text.slice(0, MAX_TEXT), weight === WEIGHTS.instructions);
      const plus = (word: string, by: number) => weights.set(word, (weights.get(word) ?? 0) + by);
      for (const word of words) plus(word, weight);
      for (const run of chinese) {
        for (const gram of gramsOf(run)) plus(gram, gram.length === 1 ? weight * 0.4 : weight);
        for (const { english } of this.#translate(run)) for (const word of english) plus(word, weight * 0.5);
      }
    };
    const { definition } = document;
    const annotations = isObject(definition.annotations) ? definition.annotations : {};
    const description = typeof definition.description === 'string' ? definition.description : '';
    const lead = /^[^\n]{0,200}?(?:[.。!\n]|$)/.exec(description)?.[0] ?? description.slice(0, 200);
    count(document.server, WEIGHTS.server);
    count(document.name, WEIGHTS.name);
    count(definition.title ?? annotations.title, WEIGHTS.title);
    count(lead, WEIGHTS.lead);
    count(description.slice(lead.length), WEIGHTS.rest);
    const schema = isObject(definition.inputSchema) ? definition.inputSchema : {};
    for (const [name, property] of Object.entries(isObject(schema.properties) ? schema.properties : {}).slice(0, 60)) {
      count(name, WEIGHTS.parameter);
      if (!isObject(property)) continue;
      count(typeof property.description === 'string' ? property.description.slice(0, 300) : '', WEIGHTS.words);
      if (Array.isArray(property.enum)) count(property.enum.slice(0, 30).join(' '), WEIGHTS.words);
    }
    count(document.instructions?.slice(0, MAX_INSTRUCTIONS), WEIGHTS.instructions);

    let mass = 0;
    for (const weight of weights.values()) mass += Math.min(weight, 3);
    // A long description says many words by the way; one that says few means them.
    const norm = 0.55 + 0.45 * Math.min(2.5, Math.sqrt(mass / 30));
    for (const [word, weight] of weights) {
      const posting = this.#postings.get(word) ?? new Map<string, number>();
      if (posting.size === 0) {
        this.#postings.set(word, posting);
        const peers = this.#byLength.get(word.length) ?? new Map<string, number>();
        peers.set(word, lettersOf(word));
        this.#byLength.set(word.length, peers);
      }
      posting.set(document.id, weight);
    }
    this.#documents.set(document.id, { source: document, words: [...weights.keys()], norm });
  }

  #pieces(text: string, isShared: boolean): Pieces {
    // All tools of a server come with the same instructions.
    if (this.#last?.text === text) return this.#last.pieces;
    const pieces = piecesOf(text, this.#stem);
    if (isShared) this.#last = { text, pieces };
    return pieces;
  }

  readonly #stem = (word: string): string => {
    let found = this.#stems.get(word);
    if (found === undefined) {
      found = stem(word);
      if (this.#stems.size >= MAX_STEMS) this.#stems.clear();
      this.#stems.set(word, found);
    }
    return found;
  };

  /** The tools that answer a question best. Takes a phrase, a sentence or a list of words, English or Chinese. */
  search(question: string, most = 10): SearchHit[] {
    const terms = this.#termsOf(question);
    const scores = new Map<string, { score: number; covered: number }>();
    let total = 0;
    for (const { alternatives, weight } of terms) {
      let rarest = 0;
      const best = new Map<string, number>();
      for (const [word, share] of alternatives) {
        const posting = this.#postings.get(word);
        if (posting === undefined) continue;
        const rarity = Math.log(1 + (this.#documents.size - posting.size + 0.5) / (posting.size + 0.5));
        rarest = Math.max(rarest, rarity * share);
        for (const [id, here] of posting) {
          const tf = here / (this.#documents.get(id)?.norm ?? 1);
          const score = share * rarity * (tf / (tf + SATURATION));
          if (score > (best.get(id) ?? 0)) best.set(id, score);
        }
      }
      total += weight * rarest;
      for (const [id, score] of best) {
        const sum = scores.get(id) ?? { score: 0, covered: 0 };
        sum.score += weight * score;
        sum.covered += weight * rarest;
        scores.set(id, sum);
      }
    }
    const hits: SearchHit[] = [];
    for (const [id, { score, covered }] of scores) {
      // Tools that answer every word come before those that answer one of them very well.
      hits.push({ id, score: score * (0.35 + (0.65 * covered) / total) });
    }
    hits.sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1));
    return hits.slice(0, most);
  }

  #termsOf(question: string): Term[] {
    const { words, chinese } = piecesOf(question.slice(0, 1_000));
    const terms: Term[] = [];
    const meaningful = words.filter((word) => !STOP_WORDS.has(word) && word.length > 0);
    for (const word of (meaningful.length > 0 || chinese.length > 0 ? meaningful : words).slice(0, MAX_TERMS)) {
      terms.push({ alternatives: this.#alternatives(word), weight: 1 });
    }
    for (const run of chinese) terms.push(...this.#chineseTerms(run));
    return terms.slice(0, MAX_TERMS);
  }

  #alternatives(word: string): Map<string, number> {
    const found = new Map<string, number>([[word, 1]]);
    const also = (other: string, weight: number) => {
      if (weight > (found.get(other) ?? 0)) found.set(other, weight);
    };
    for (const other of this.#synonyms.get(word) ?? []) also(other, SYNONYM);
    if (this.#postings.has(word)) return found;
    for (const { word: other, weight } of this.#corrections(word)) {
      also(other, weight);
      for (const more of this.#synonyms.get(other) ?? []) also(more, weight * SYNONYM);
    }
    return found;
  }

  /** Known words that an unknown one may be a misspelling of, or the beginning of. */
  #corrections(word: string): { word: string; weight: number }[] {
    if (word.length < 3) return [];
    const limit = word.length < 5 ? 1 : word.length < 9 ? 2 : 3;
    const letters = lettersOf(word);
    const found: { word: string; weight: number }[] = [];
    for (let length = word.length - limit; length <= word.length + limit; length++) {
      for (const [known, theirs] of this.#byLength.get(length) ?? []) {
        if (length < 3 || bits(letters ^ theirs) > 2 * limit) continue;
        const distance = editDistance(word, known, limit);
        if (distance > limit) continue;
        // People get the first letter right.
        const beginning = known[0] === word[0] ? 1 : 0.8;
        found.push({
          word: known,
          weight: CORRECTION * beginning * (1 - distance / (Math.max(word.length, length) + 1)),
        });
      }
    }
    if (word.length >= 4) {
      for (let length = word.length + 1; length <= word.length + 6; length++) {
        for (const known of this.#byLength.get(length)?.keys() ?? [])
          if (known.startsWith(word)) found.push({ word: known, weight: PREFIX });
      }
    }
    return found.sort((a, b) => b.weight - a.weight).slice(0, MAX_CORRECTIONS);
  }

  #chineseTerms(run: string): Term[] {
    const terms: Term[] = [];
    const uncovered: string[] = [];
    let at = 0;
    for (const { chinese, english, from } of this.#translate(run)) {
      const alternatives = new Map<string, number>();
      for (const gram of gramsOf(chinese)) if (gram.length > 1 || chinese.length === 1) alternatives.set(gram, NATIVE);
      for (const [index, word] of english.entries()) alternatives.set(word, TRANSLATION * (index === 0 ? 1 : 0.85));
      terms.push({ alternatives, weight: chinese.length === 1 ? 0.6 : 1 });
      uncovered.push(run.slice(at, from));
      at = from + chinese.length;
    }
    uncovered.push(run.slice(at));
    // What the lexicon does not know is asked for in its own characters.
    for (const piece of uncovered) {
      const characters = [...piece].filter((character) => !STOP_CHARACTERS.has(character));
      const grams =
        characters.length === 1 ? characters : gramsOf(characters.join('')).filter((gram) => gram.length > 1);
      for (const gram of grams)
        terms.push({ alternatives: new Map([[gram, NATIVE]]), weight: gram.length > 1 ? 0.5 : 0.2 });
    }
    return terms;
  }

  /** Words of the lexicon in a Chinese run, longest first from the left. */
  #translate(run: string): { chinese: string; english: readonly string[]; from: number }[] {
    const found: { chinese: string; english: readonly string[]; from: number }[] = [];
    for (let at = 0; at < run.length; ) {
      let length = Math.min(6, run.length - at);
      for (; length > 0; length--) {
        const chinese = run.slice(at, at + length);
        const english = this.#chinese.get(chinese);
        if (english !== undefined) {
          found.push({ chinese, english, from: at });
          break;
        }
      }
      at += Math.max(1, length);
    }
    return found;
  }
}

/** Whether a tool says the same as before; a catalogue copies definitions, but not what is inside them. */
function sameDocument(a: SearchDocument, b: SearchDocument): boolean {
  if (a.instructions !== b.instructions || a.server !== b.server || a.name !== b.name) return false;
  const one = a.definition;
  const other = b.definition;
  if (one === other) return true;
  if (one.description !== other.description || one.title !== other.title) return false;
  return one.inputSchema === other.inputSchema || JSON.stringify(one.inputSchema) === JSON.stringify(other.inputSchema);
}

/** A set of letters as bits, so that most words are told apart without comparing them. */
function lettersOf(word: string): number {
  let letters = 0;
  for (let index = 0; index < word.length; index++) letters |= 1 << (word.charCodeAt(index) & 31);
  return letters;
}

function bits(value: number): number {
  let left = value;
  let count = 0;
  for (; left !== 0; count++) left &= left - 1;
  return count;
}
