// What really ran, and how often: one JSON line per event, appended at once, so that it survives any end.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

export function openLedger(file) {
  const memory = [];
  const all = () => {
    if (file === undefined) return memory;
    if (!existsSync(file)) return [];
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
  };
  const add = (event, details = {}) => {
    const entry = { event, pid: process.pid, at: Date.now(), ...details };
    if (file === undefined) memory.push(entry);
    else appendFileSync(file, `${JSON.stringify(entry)}\n`);
  };
  return {
    all,
    add,
    count: (event) => all().filter((entry) => entry.event === event).length,
    /** True once per key, for all processes that share the ledger. */
    first(key) {
      if (all().some((entry) => entry.event === 'seen' && entry.key === key)) return false;
      add('seen', { key });
      return true;
    },
  };
}
