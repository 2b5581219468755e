// The gateways that share a store with this one (requirements F-R2).
import { SharedStoreFailed } from '../../core/shared.ts';
import { type ApiOperation, ok, Refusal } from './api.ts';
import type { AdminDeps, ClusterPort } from './deps.ts';

export function clusterOperations({ cluster }: AdminDeps): ApiOperation[] {
  const shared = (): ClusterPort => {
    if (cluster === undefined) throw new Refusal(404, 'this gateway is alone: storage.shared is not set');
    return cluster;
  };
  return [
    {
      method: 'GET',
      path: '/cluster',
      needs: 'read',
      tag: 'cluster',
      summary:
        'The gateways that share a store: address, version, state, configuration, leases; and the state of the store',
      handle: () => shared().status(),
    },
    {
      method: 'POST',
      path: '/cluster/rotate-keys',
      needs: 'admin',
      tag: 'cluster',
      summary: 'A new key signs session ids, half a minute later; those before it go on verifying',
      audited: () => ({ action: 'rotate keys', subject: 'cluster' }),
      async handle() {
        try {
          await shared().rotateKeys();
        } catch (error) {
          if (error instanceof SharedStoreFailed) throw new Refusal(503, error.message);
          throw error;
        }
        return ok;
      },
    },
  ];
}
