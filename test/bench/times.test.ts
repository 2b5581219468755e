// A row of the bench that runs several times: which of its figures stands in the table.
import { expect, test } from 'vitest';

const { middleOf } = await import(new URL('../../bench/harness/times.mjs', import.meta.url).href);
const { always, atLeast, atMost, measure } = await import(
  new URL('../../bench/harness/report.mjs', import.meta.url).href
);

const runs = (values: number[], goal: unknown) =>
  values.map((value) => ({ row: 1, title: 'one', measures: [measure('rate', value, goal, `run of ${value}`)] }));

test('the run in the middle stands in the table, with what is behind it, and all values beside it', () => {
  expect(middleOf(runs([0.9, 0.7, 1.2], atLeast(0.8)))).toEqual({
    row: 1,
    title: 'one',
    measures: [{ measure: 'rate', value: 0.9, goal: '≥ 0.8', met: true, note: 'run of 0.9', runs: [0.9, 0.7, 1.2] }],
  });
});

test('what is always to hold is missed when one run misses it', () => {
  expect(middleOf(runs([0, 2, 0], always(atMost(0)))).measures).toMatchObject([
    { value: 2, met: false, runs: [0, 2, 0] },
  ]);
});

test('one run is itself, and a run that broke is what is told', () => {
  const [only, other] = runs([1, 2], atMost(2));
  expect(middleOf([only])).toBe(only);
  const broken = { row: 1, title: 'one', failed: 'a wrong answer' };
  expect(middleOf([only, broken, other])).toBe(broken);
});
