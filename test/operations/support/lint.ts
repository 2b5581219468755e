// Reads an exposition as promtool does and tells every line that is wrong; asks promtool itself where it is installed.
import { spawnSync } from 'node:child_process';

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(?:,|$)/y;
const VALUE = /^(?:[+-]?Inf|NaN|[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)$/;

export interface Family {
  type: string;
  help: string;
  samples: { name: string; labels: Record<string, string>; value: number }[];
}

export function readExposition(
  text: string,
  openMetrics: boolean,
): { families: Map<string, Family>; problems: string[] } {
  const problems: string[] = [];
  const families = new Map<string, Family>();
  const series = new Set<string>();
  let current: { name: string; family: Family } | undefined;
  if (!text.endsWith('\n')) problems.push('the last line has no line end');
  const lines = text.slice(0, -1).split('\n');
  if (openMetrics && lines.pop() !== '# EOF') problems.push('no # EOF at the end');
  lines.forEach((line, index): void => {
    const wrong = (why: string): void => {
      problems.push(`line ${index + 1}: ${why}: ${line}`);
    };
    const comment = /^# (HELP|TYPE|UNIT) (\S+) (.*)$/.exec(line);
    if (comment !== null) {
      const [, kind, name = '', rest = ''] = comment;
      if (!NAME.test(name)) wrong('not a metric name');
      if (kind === 'HELP') {
        if (families.has(name)) wrong('a family for the second time');
        current = { name, family: { type: 'untyped', help: rest, samples: [] } };
        families.set(name, current.family);
        if (rest === '') wrong('no help text');
      } else if (current?.name !== name) wrong(`${kind} of another family`);
      else if (kind === 'TYPE') {
        if (!/^(counter|gauge|histogram|summary|untyped|info)$/.test(rest)) wrong('unknown type');
        if (rest === 'info' && !openMetrics) wrong('0.0.4 has no info');
        current.family.type = rest;
      } else if (!openMetrics) wrong('0.0.4 has no UNIT');
      else if (!name.endsWith(`_${rest}`)) wrong('the unit is not the suffix of the name');
      return;
    }
    const found = SAMPLE.exec(line);
    if (found === null) {
      wrong('neither a comment nor a sample');
      return;
    }
    const [, name = '', labelText, valueText = ''] = found;
    if (!VALUE.test(valueText)) wrong('not a number');
    const labels: Record<string, string> = {};
    LABEL.lastIndex = 0;
    while (labelText !== undefined && LABEL.lastIndex < labelText.length) {
      const at = LABEL.lastIndex;
      const label = LABEL.exec(labelText);
      if (label === null) {
        wrong(`broken labels at ${at}`);
        return;
      }
      if ((label[1] as string) in labels) wrong('a label twice');
      labels[label[1] as string] = label[2] as string;
    }
    const key = `${name}${JSON.stringify(Object.entries(labels).sort())}`;
    if (series.has(key)) wrong('the same series twice');
    series.add(key);
    if (current === undefined) {
      wrong('a sample without a family');
      return;
    }
    const { type } = current.family;
    const suffixes: Record<string, string[]> = {
      counter: openMetrics ? ['_total'] : [''],
      gauge: [''],
      histogram: ['_bucket', '_sum', '_count'],
      info: ['_info'],
    };
    if (!(suffixes[type] ?? ['']).some((suffix) => name === `${current?.name}${suffix}`))
      wrong(`not of the family ${current.name}`);
    if (type === 'counter' && !name.endsWith('_total')) wrong('a counter without _total');
    if (name.endsWith('_bucket') && labels.le === undefined) wrong('a bucket without le');
    if (type !== 'summary' && 'quantile' in labels) wrong('a quantile outside a summary');
    if (type !== 'histogram' && 'le' in labels) wrong('le outside a histogram');
    current.family.samples.push({ name, labels, value: Number(valueText.replace('Inf', 'Infinity')) });
  });
  for (const [name, family] of families) {
    if (family.samples.length === 0) problems.push(`${name} has no samples`);
    if (family.type === 'histogram') problems.push(...histogramProblems(name, family));
  }
  return { families, problems };
}

/** What `promtool check metrics` says; undefined where it is not installed. It reads format 0.0.4 only. */
export function promtool(text: string): string | undefined {
  const { error, status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text });
  if (error !== undefined) return undefined;
  return status === 0 ? '' : `exit ${status}: ${stdout}${stderr}`;
}

function histogramProblems(name: string, { samples }: Family): string[] {
  const problems: string[] = [];
  const groups = new Map<string, typeof samples>();
  for (const sample of samples) {
    const { le: _, ...labels } = sample.labels;
    const key = JSON.stringify(labels);
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  for (const [key, group] of groups) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    const count = group.find((sample) => sample.name === `${name}_count`)?.value;
    const bounds = buckets.map(({ labels }) => Number((labels.le as string).replace('Inf', 'Infinity')));
    if (bounds.some((bound, index) => index > 0 && bound <= (bounds[index - 1] as number)))
      problems.push(`${name}${key}: bounds not in order`);
    if (buckets.some(({ value }, index) => index > 0 && value < (buckets[index - 1]?.value as number)))
      problems.push(`${name}${key}: not cumulative`);
    if (buckets.at(-1)?.labels.le !== '+Inf' || buckets.at(-1)?.value !== count)
      problems.push(`${name}${key}: the last bucket is not the count`);
    if (!group.some((sample) => sample.name === `${name}_sum`)) problems.push(`${name}${key}: no sum`);
  }
  return problems;
}
