// What is wrong with a configuration, as a command tells it: the place as it is, the sentence in the reader's language.
import { formatProblem, type Problem } from '../config/problem.ts';
import { said } from './words.ts';

export function saidProblem(problem: Problem): string {
  const { message, hint } = problem;
  return formatProblem({ ...problem, message: said(message), hint: hint === undefined ? undefined : said(hint) });
}
