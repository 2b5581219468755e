import { expect, test } from 'vitest';
import { files, stage, upstreamOf, weather } from '../../test/converge/fixture.ts';
import { buildView } from '../catalog/view.ts';
import { costOf } from './costs.ts';

test('10.35: what a view costs, per server and tool, the most expensive first', () => {
  const members = [files, weather].map((fake) => ({
    upstream: upstreamOf(fake),
    tools: { allow: [], disabled: [], overrides: {} },
    trustAnnotations: true,
  }));
  const view = buildView({ name: 'passthrough', members, naming: 'always' }, 1);
  const cost = costOf(view, stage().converged.listTools());
  expect(cost.servers.map(({ server, tools }) => [server, tools.length])).toEqual([
    ['files', 3],
    ['天气.v2', 2],
  ]);
  expect(cost.passthrough).toBe(cost.servers.reduce((sum, { definition }) => sum + definition, 0));
  expect(cost.servers[0]?.tools[0]?.tool).toBe('read_file');
  for (const { inspected, definition } of cost.servers) expect(inspected).toBeLessThan(definition);
  expect(cost.converged).toBeGreaterThan(100);
});
