// The configuration with every default, as it is in force.
import { api } from '../api/client.ts';
import type { JsonObject } from '../api/types.ts';
import { Json } from '../components/json.tsx';
import { Card, Empty } from '../components/page.tsx';
import { Problem } from '../components/problem.tsx';
import { t } from '../i18n/index.ts';
import { revisions } from '../state/live.ts';
import { useLoad } from '../state/load.ts';

export function ConfigEffective() {
  const found = useLoad(() => api.get<JsonObject>('/config/effective'), [], revisions.config);
  return (
    <Card>
      <p class="mute">{t('config.effective')}</p>
      {found.problem !== undefined && <Problem error={found.problem} again={found.again} />}
      {found.value === undefined ? (
        <Empty>{t('app.wait')}</Empty>
      ) : (
        <Json value={found.value} label={t('config.part.effective')} />
      )}
    </Card>
  );
}
