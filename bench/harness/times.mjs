// One row of the table out of several runs of its scenario, each with processes started anew: the system may place one
// set of processes a fifth better than its identical copy, which no number of rounds with the same set evens out.

/**
 * The measures of `runs` (each what one run of a scenario gave) as one: of each the run in the middle by its value, with
 * all values as `runs`; of an even number the lower one of the two. What is `always` to hold is the first that does not.
 */
export function middleOf(runs) {
  const [first] = runs;
  if (runs.length === 1) return first;
  const broken = runs.find(({ failed, skipped }) => failed !== undefined || skipped !== undefined);
  if (broken !== undefined) return broken;
  const measures = first.measures.map(({ measure }) => {
    const all = runs.flatMap((run) => run.measures.filter((one) => one.measure === measure));
    const sorted = all.toSorted((a, b) => a.value - b.value);
    const missed = all.find(({ always, met }) => always && met === false);
    return { ...(missed ?? sorted[(sorted.length - 1) >> 1]), runs: all.map(({ value }) => value) };
  });
  return { ...first, measures };
}
