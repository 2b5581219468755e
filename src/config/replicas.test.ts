// Replicas of an upstream: laid over its settings, references resolved, mistakes told with their place (10.2).
import { expect, it } from 'vitest';
import { upstreamSchema } from './schema-upstream.ts';
import { finishUpstream } from './upstream.ts';

const finish = (written: object) =>
  finishUpstream(upstreamSchema.parse(written), {
    references: { directory: '/etc/x', environment: { HOST: 'b.example', KEY: 'the-key' } } as never,
    transports: [],
    invalid: [],
    damaged: false,
    poolMinGiven: false,
  });

it('each is the upstream with its own keys laid over it', () => {
  const { upstream, findings } = finish({
    command: 'node',
    args: ['server.js'],
    env: { A: '1', B: '1' },
    replicas: [{ env: { B: '2' } }, { url: 'https://b.example/mcp' }],
  });
  expect(findings).toEqual([]);
  expect(upstream.replicas[0]).toMatchObject({ command: 'node', args: ['server.js'], env: { A: '1', B: '2' } });
  expect(upstream.replicas[1]).toMatchObject({ command: undefined, args: [], url: 'https://b.example/mcp' });
});

it('an upstream of replicas needs no server of its own; a replica without one is told', () => {
  expect(finish({ replicas: [{ url: 'https://a.example' }] }).findings).toEqual([]);
  expect(finish({ replicas: [{ env: {} }] }).findings).toMatchObject([{ path: ['replicas', 0] }]);
});
