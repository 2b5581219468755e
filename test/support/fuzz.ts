// Fuzzing of the codecs (reliability §6, row 14): how many inputs, and what counts as a hang.

/** So many runs as the test wants, or as `npm run chaos -- --only 14` asks for (100,000). */
export const runs = (usual: number): number => Math.max(usual, Number(process.env.HOLDFAST_FUZZ_RUNS ?? 0));

/** Milliseconds that a test with so many may take. */
export const FUZZ = process.env.HOLDFAST_FUZZ_RUNS === undefined ? 60_000 : 600_000;

/** Milliseconds of CPU that no input may cost. */
const HANG = 1_000;

/** The predicate, which fails for an input that hangs; by CPU time, so that a busy machine is no hang. */
export function ends<Args extends unknown[], Result>(predicate: (...args: Args) => Result): (...args: Args) => Result {
  return (...args) => {
    const began = process.cpuUsage();
    const judge = (): void => {
      const { user, system } = process.cpuUsage(began);
      if ((user + system) / 1_000 > HANG) throw new Error(`this input took ${(user + system) / 1_000} ms of CPU`);
    };
    const result = predicate(...args);
    if (result instanceof Promise) return result.finally(judge) as Result;
    judge();
    return result;
  };
}
