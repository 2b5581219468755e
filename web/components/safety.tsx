// Whether a request may be sent twice.
import type { Safety as Kind } from '../api/types.ts';
import { t } from '../i18n/index.ts';
import { Badge } from './badge.tsx';

export function Safety({ safety }: { safety: Kind }) {
  return (
    <Badge tone={safety === 'read' ? 'good' : safety === 'idempotent' ? 'info' : 'off'}>{t(`safety.${safety}`)}</Badge>
  );
}
