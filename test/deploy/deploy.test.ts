// What stands in deploy/ is right: the chart renders to objects that Kubernetes takes, the configurations load.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { loadConfig } from '../../src/config/load.ts';

const deploy = join(import.meta.dirname, '../../deploy');
const HELM = ['helm', process.env.HOLDFAST_HELM ?? ''].find(
  (name) => name !== '' && spawnSync(name, ['version']).status === 0,
);
const WITHOUT = HELM === undefined ? ': helm is not installed (HOLDFAST_HELM names it)' : '';

interface Manifest {
  kind: string;
  [key: string]: unknown;
}

function render(...values: string[]): Map<string, Manifest> {
  const text = execFileSync(HELM as string, ['template', 'gate', join(deploy, 'helm/holdfast'), ...values], {
    encoding: 'utf8',
  });
  const manifests = parseAllDocuments(text).map((document) => document.toJS() as Manifest);
  return new Map(manifests.map((one) => [one.kind, one]));
}

const { kinds, definitions } = JSON.parse(readFileSync(join(import.meta.dirname, 'kubernetes-1.37.json'), 'utf8')) as {
  kinds: Record<string, object>;
  definitions: object;
};
const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });

const load = (text: string, env: Record<string, string>) => loadConfig({ text, file: 'holdfast.json', env });

describe.skipIf(HELM === undefined)(`the Helm chart${WITHOUT}`, () => {
  const plain: string[] = [];
  const full = [
    ...['--set', 'shared.passwordSecret.name=store,replicas=5,service.annotations.a=b,podAnnotations.c=d'],
    ...[
      '--set',
      'imagePullSecrets[0].name=pull,env[0].name=TOKEN,env[0].value=x,tolerations[0].key=k,nodeSelector.disk=ssd',
    ],
    ...['--set-json', 'config={"upstreams":{"files":{"url":"http://files/mcp"}},"server":{"host":"1.2.3.4"}}'],
  ];

  it.each([
    ['as it comes', plain],
    ['with every value', full],
  ])('renders to what Kubernetes takes, %s (F-R14)', (_, values) => {
    const manifests = render(...values);
    expect([...manifests.keys()].sort()).toEqual(['ConfigMap', 'Deployment', 'PodDisruptionBudget', 'Service']);
    for (const [kind, manifest] of manifests) {
      const validate = ajv.compile({ ...kinds[kind], definitions });
      validate(manifest);
      expect(validate.errors, kind).toBeNull();
    }
  });

  it('would be told of a field that Kubernetes does not know', () => {
    const validate = ajv.compile({ ...kinds.Deployment, definitions });
    const deployment = structuredClone(render().get('Deployment')) as { spec: Record<string, unknown> } & Manifest;
    deployment.spec.replica = 3;
    expect(validate(deployment)).toBe(false);
  });

  it('asks for readiness, lets gateways drain, keeps two of them (F-R13)', () => {
    const manifests = render();
    const { spec } = manifests.get('Deployment') as unknown as {
      spec: {
        strategy: object;
        template: {
          spec: { terminationGracePeriodSeconds: number; containers: [Record<string, { httpGet?: object }>] };
        };
      };
    };
    const { terminationGracePeriodSeconds, containers } = spec.template.spec;
    expect(spec.strategy).toMatchObject({ rollingUpdate: { maxUnavailable: 0 } });
    expect(containers[0].readinessProbe?.httpGet).toMatchObject({ path: '/health/ready' });
    expect(containers[0].livenessProbe?.httpGet).toMatchObject({ path: '/health/live' });
    expect(terminationGracePeriodSeconds).toBeGreaterThan(5 + 25);
    expect(manifests.get('PodDisruptionBudget')).toMatchObject({ spec: { minAvailable: 2 } });
  });

  it('makes a configuration that the gateway takes', async () => {
    const { data } = render(...full).get('ConfigMap') as unknown as { data: Record<string, string> };
    const result = await load(data['holdfast.json'] as string, {
      POD_IP: '10.0.0.7',
      HOLDFAST_STORE_PASSWORD: 'secret',
    });
    expect(result.ok && result.config).toMatchObject({
      server: { host: '0.0.0.0', drainDelay: 5000 },
      storage: { shared: { advertise: 'http://10.0.0.7:8000', password: 'secret', prefix: 'holdfast-gate' } },
    });
  });
});

describe('the Compose file (F-R14)', () => {
  it('has three gateways of one configuration, a balancer that knows them all, and a store', async () => {
    const { services } = parse(readFileSync(join(deploy, 'compose/compose.yaml'), 'utf8'), { merge: true }) as {
      services: Record<string, { stop_grace_period?: string; volumes?: string[] }>;
    };
    expect(Object.keys(services)).toEqual(['gateway-1', 'gateway-2', 'gateway-3', 'nginx', 'valkey']);
    const nginx = readFileSync(join(deploy, 'compose/nginx.conf'), 'utf8');
    for (const name of ['gateway-1', 'gateway-2', 'gateway-3']) {
      expect(services[name]?.stop_grace_period).toBe('45s');
      expect(nginx).toContain(`server ${name}:8000`);
    }
    const text = readFileSync(join(deploy, 'compose/config/holdfast.json'), 'utf8');
    const result = await load(text, { VALKEY_PASSWORD: 'secret' });
    expect(result.ok && result.config.storage.shared).toMatchObject({ url: 'redis://valkey:6379', password: 'secret' });
  });
});
