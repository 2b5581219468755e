// The configuration: edited, checked, planned, applied; and every version there was, to compare and to go back to.

import { Page } from '../components/page.tsx';
import { Tabs } from '../components/tabs.tsx';
import { t } from '../i18n/index.ts';
import { place, to } from '../router.ts';
import { ConfigEditor } from './configuration-editor.tsx';
import { ConfigEffective } from './configuration-effective.tsx';
import { ConfigHistory } from './configuration-history.tsx';

const PARTS = ['edit', 'history', 'effective'] as const;

export function Configuration() {
  const [part = 'edit'] = place.value.rest;
  return (
    <Page title={t('nav.configuration')} lead={t('config.lead')}>
      <Tabs
        label={t('nav.configuration')}
        at={part}
        tabs={PARTS.map((id) => ({
          id,
          title: t(`config.part.${id}`),
          href: to('configuration', id === 'edit' ? [] : [id]),
        }))}
      />
      {part === 'history' ? <ConfigHistory /> : part === 'effective' ? <ConfigEffective /> : <ConfigEditor />}
    </Page>
  );
}
