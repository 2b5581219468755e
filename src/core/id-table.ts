// Calls under way by their id. A Map is rehashed every so many calls, and each dead table keeps its calls alive until
// the next full collection; here entries come and go without leaving anything behind (performance row 4).

const SMALLEST = 64;

/** Values by whole numbers, as a Map has them; for ids that are used once. Values are never undefined. */
export class IdTable<Value> {
  #ids: number[] = new Array<number>(SMALLEST).fill(-1);
  #values: (Value | undefined)[] = new Array<Value | undefined>(SMALLEST).fill(undefined);
  #mask = SMALLEST - 1;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: number): Value | undefined {
    return this.#values[this.#place(id)];
  }

  has(id: number): boolean {
    return this.get(id) !== undefined;
  }

  set(id: number, value: Value): void {
    let at = this.#place(id);
    if (this.#values[at] === undefined) {
      if (2 * ++this.#size > this.#mask) {
        this.#grow();
        at = this.#place(id);
      }
    }
    this.#ids[at] = id;
    this.#values[at] = value;
  }

  delete(id: number): boolean {
    let hole = this.#place(id);
    if (this.#values[hole] === undefined) return false;
    this.#size--;
    // Whoever had to stand further on because of it moves up, so that no marks of the dead are needed.
    for (let at = (hole + 1) & this.#mask; this.#values[at] !== undefined; at = (at + 1) & this.#mask) {
      const home = (this.#ids[at] as number) & this.#mask;
      if (((at - home) & this.#mask) < ((at - hole) & this.#mask)) continue;
      this.#ids[hole] = this.#ids[at] as number;
      this.#values[hole] = this.#values[at];
      hole = at;
    }
    this.#ids[hole] = -1;
    this.#values[hole] = undefined;
    return true;
  }

  clear(): void {
    this.#ids.fill(-1);
    this.#values.fill(undefined);
    this.#size = 0;
  }

  /** All values as they are now, in the order of their ids. */
  values(): Value[] {
    return this.ids().map((id) => this.get(id) as Value);
  }

  ids(): number[] {
    return this.#ids.filter((_, at) => this.#values[at] !== undefined).sort((one, other) => one - other);
  }

  /** Where it stands, or the free place where it would. */
  #place(id: number): number {
    let at = id & this.#mask;
    while (this.#ids[at] !== id && this.#values[at] !== undefined) at = (at + 1) & this.#mask;
    return at;
  }

  #grow(): void {
    const [ids, values] = [this.#ids, this.#values];
    const length = 2 * ids.length;
    this.#ids = new Array<number>(length).fill(-1);
    this.#values = new Array<Value | undefined>(length).fill(undefined);
    this.#mask = length - 1;
    ids.forEach((id, at) => {
      if (values[at] === undefined) return;
      const place = this.#place(id);
      this.#ids[place] = id;
      this.#values[place] = values[at];
    });
  }
}
