import { expect, it } from 'vitest';
import { Balancer, type Candidate, isSlow, mayLeaveOut, Outlier } from './balance.ts';

const one = (name: string, values: Partial<Candidate> = {}) => ({
  name,
  score: 100,
  successRate: 1,
  responseTime: 10,
  busy: 0,
  ...values,
});

it('takes them in turn (10.2, round-robin)', () => {
  const balancer = new Balancer();
  const all = [one('a'), one('b'), one('c')];
  const names = Array.from({ length: 6 }, () => balancer.choose('round-robin', all)?.name);
  expect(names).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
});

it('takes any of them (10.2, random)', () => {
  const points = [0, 0.34, 0.99];
  const balancer = new Balancer(() => points.shift() as number);
  const all = [one('a'), one('b'), one('c')];
  expect(Array.from({ length: 3 }, () => balancer.choose('random', all)?.name)).toEqual(['a', 'b', 'c']);
});

it('takes the one with the fewest calls, equal ones in turn (10.2, least-busy)', () => {
  const balancer = new Balancer();
  const all = [one('a', { busy: 3 }), one('b', { busy: 1 }), one('c', { busy: 1 })];
  expect(balancer.choose('least-busy', all)?.name).toBe('b');
  const seen = new Set(Array.from({ length: 6 }, () => balancer.choose('least-busy', all)?.name));
  expect(seen).toEqual(new Set(['b', 'c']));
});

it('weighs by score + 1, equal scores by success rate, then response time (10.2, 4.2)', () => {
  const all = [one('bad', { score: 9 }), one('slow', { score: 89, responseTime: 90 }), one('fast', { score: 89 })];
  const at = (point: number) => new Balancer(() => point).choose('health-based', all)?.name;
  // Weights 90, 90 and 10, the best first.
  expect(at(0)).toBe('fast');
  expect(at(0.47)).toBe('fast');
  expect(at(0.48)).toBe('slow');
  expect(at(0.94)).toBe('slow');
  expect(at(0.95)).toBe('bad');
  const rated = [one('poor', { successRate: 0.6 }), one('good')];
  expect(new Balancer(() => 0).choose('health-based', rated)?.name).toBe('good');
});

it('leaves out what fails five times in a row, longer each time, and takes it back (10.2)', () => {
  const outlier = new Outlier();
  for (let row = 1; row < 5; row++) expect(outlier.failed(0, row, 1, row)).toBe(false);
  expect(outlier.failed(0, 5, 0, 5)).toBe(true);
  expect([outlier.out(29_999), outlier.out(30_000)]).toEqual([true, false]);
  expect(outlier.failed(30_000, 6, 0, 6)).toBe(true);
  expect([outlier.out(89_999), outlier.out(90_000)]).toEqual([true, false]);
  outlier.good();
  expect(outlier.failed(100_000, 1, 0.9, 30)).toBe(false);
  expect(outlier.failed(100_000, 1, 0.4, 30)).toBe(true);
});

it('never leaves out more than half', () => {
  expect([mayLeaveOut(1, 0), mayLeaveOut(2, 0), mayLeaveOut(2, 1), mayLeaveOut(5, 1), mayLeaveOut(5, 2)]).toEqual([
    false,
    true,
    false,
    true,
    false,
  ]);
});

it('is slow at four times what is usual of the others and a quarter of a second more (10.2)', () => {
  expect(isSlow(1_000, [10, 12])).toBe(true);
  expect(isSlow(200, [10, 12])).toBe(false);
  expect(isSlow(2_000, [600, 700])).toBe(false);
  expect(isSlow(1_000, [])).toBe(false);
  // One odd one among the others decides nothing.
  expect(isSlow(1_000, [10, 12, 5_000])).toBe(true);
});
