// The frame around every page: where one can go, whether the gateway is heard, and what was just done.
import { useSignal } from '@preact/signals';
import type { FunctionComponent } from 'preact';
import { useEffect } from 'preact/hooks';
import { Badge } from './components/badge.tsx';
import { Button } from './components/button.tsx';
import { Icon, type IconName } from './components/icon.tsx';
import { Empty, Page } from './components/page.tsx';
import { LanguageButton, ThemeButton } from './components/preferences.tsx';
import { type Key, t } from './i18n/index.ts';
import { Alerts } from './pages/alerts.tsx';
import { Approvals } from './pages/approvals.tsx';
import { Call } from './pages/call.tsx';
import { Calls } from './pages/calls.tsx';
import { Configuration } from './pages/configuration.tsx';
import { Endpoints } from './pages/endpoints.tsx';
import { Login } from './pages/login.tsx';
import { Logins } from './pages/logins.tsx';
import { Overview } from './pages/overview.tsx';
import { Prompts } from './pages/prompts.tsx';
import { Resources } from './pages/resources.tsx';
import { Sessions } from './pages/sessions.tsx';
import { Settings } from './pages/settings.tsx';
import { Tool } from './pages/tool.tsx';
import { Tools } from './pages/tools.tsx';
import { Upstream } from './pages/upstream.tsx';
import { Upstreams } from './pages/upstreams.tsx';
import { place, to } from './router.ts';
import { undecided } from './state/approvals.ts';
import { connected, overview } from './state/live.ts';
import { isAdmin, logout, session } from './state/session.ts';
import { dismiss, toasts } from './state/toasts.ts';

interface Entry {
  page: string;
  title: Key;
  show: FunctionComponent;
  /** One of the things that are on the page. */
  one?: FunctionComponent;
  /** Only shown to an admin. */
  admin?: true;
}

const GROUPS: readonly { title: Key; entries: readonly (Entry & { icon: IconName })[] }[] = [
  {
    title: 'nav.watch',
    entries: [
      { page: 'overview', icon: 'overview', title: 'nav.overview', show: Overview },
      { page: 'calls', icon: 'calls', title: 'nav.calls', show: Calls, one: Call, admin: true },
      { page: 'alerts', icon: 'alerts', title: 'nav.alerts', show: Alerts },
      { page: 'sessions', icon: 'sessions', title: 'nav.sessions', show: Sessions, admin: true },
    ],
  },
  {
    title: 'nav.servers',
    entries: [
      { page: 'upstreams', icon: 'upstreams', title: 'nav.upstreams', show: Upstreams, one: Upstream },
      { page: 'endpoints', icon: 'endpoints', title: 'nav.endpoints', show: Endpoints, admin: true },
      { page: 'approvals', icon: 'approvals', title: 'nav.approvals', show: Approvals, admin: true },
      { page: 'logins', icon: 'logins', title: 'nav.logins', show: Logins, admin: true },
    ],
  },
  {
    title: 'nav.offer',
    entries: [
      { page: 'tools', icon: 'tools', title: 'nav.tools', show: Tools, one: Tool, admin: true },
      { page: 'resources', icon: 'resources', title: 'nav.resources', show: Resources, admin: true },
      { page: 'prompts', icon: 'prompts', title: 'nav.prompts', show: Prompts, admin: true },
    ],
  },
  {
    title: 'nav.gateway',
    entries: [
      { page: 'configuration', icon: 'configuration', title: 'nav.configuration', show: Configuration, admin: true },
      { page: 'settings', icon: 'settings', title: 'nav.settings', show: Settings },
    ],
  },
];
const ENTRIES = GROUPS.flatMap(({ entries }) => entries);

export function App() {
  if (session.value === undefined)
    return (
      <p class="wait" role="status">
        {t('app.wait')}
      </p>
    );
  if (session.value === null) return <Login />;
  return <Frame />;
}

function Frame() {
  const open = useSignal(false);
  const { page, rest } = place.value;
  useEffect(() => {
    open.value = false;
  }, [page, rest[0]]);
  const entry = ENTRIES.find((one) => one.page === page && (one.admin !== true || isAdmin.value));
  const Shown = rest.length > 0 ? (entry?.one ?? entry?.show) : entry?.show;
  return (
    <div class={`frame${open.value ? ' open' : ''}`}>
      <button type="button" class="skip" onClick={skip}>
        {t('app.skip')}
      </button>
      <header class="top">
        <Button kind="quiet" icon="menu" label={t('app.menu')} expanded={open.value} onClick={() => toggle(open)}>
          {null}
        </Button>
        <Brand />
        <Connection />
      </header>
      <aside class="side" aria-label={t('app.menu')}>
        <div class="side-head">
          <Brand />
          <Connection />
        </div>
        <nav aria-label={t('app.pages')}>
          {GROUPS.map(({ title, entries }) => {
            const shown = entries.filter((one) => one.admin !== true || isAdmin.value);
            if (shown.length === 0) return null;
            return (
              <div key={title} class="nav-group">
                <p>{t(title)}</p>
                <ul>
                  {shown.map((one) => (
                    <li key={one.page}>
                      <a href={to(one.page)} aria-current={one.page === page ? 'page' : undefined}>
                        <Icon name={one.icon} />
                        {t(one.title)}
                        <Count page={one.page} />
                      </a>
                    </li>
                  ))}
                </ul>
              </div>
            );
          })}
        </nav>
        <div class="side-foot">
          <p class="mute">
            {session.value?.principal} · {isAdmin.value ? t('app.admin') : t('app.reader')}
          </p>
          <div class="actions">
            <LanguageButton />
            <ThemeButton />
            <Button kind="quiet" small icon="out" label={t('app.logout')} onClick={logout}>
              {null}
            </Button>
          </div>
        </div>
      </aside>
      {Shown === undefined ? (
        <Page title={t('app.nowhere')}>
          <Empty>{t('app.nowhere.what')}</Empty>
        </Page>
      ) : (
        <Shown key={keyOf(page, rest, entry?.one !== undefined)} />
      )}
      <div class="toasts" role="status" aria-live="polite">
        {toasts.value.map((toast) => (
          <div key={toast.id} class={`toast ${toast.tone}`}>
            <Icon name={toast.tone === 'good' ? 'ok' : 'alert'} />
            <span class="grow">{toast.text}</span>
            <Button kind="quiet" small icon="close" label={t('do.close')} onClick={() => dismiss(toast.id)}>
              {null}
            </Button>
          </div>
        ))}
      </div>
    </div>
  );
}

/** Parts of one page keep what it holds; another thing does not. */
function keyOf(page: string, rest: readonly string[], ofMany: boolean): string {
  if (!ofMany) return page;
  return [page, ...rest.slice(0, page === 'tools' ? 2 : 1)].join('/');
}

function toggle(open: { value: boolean }): void {
  open.value = !open.value;
}

function skip(): void {
  document.querySelector<HTMLElement>('#content h1')?.focus();
}

function Brand() {
  return (
    <a class="brand" href={to('overview')}>
      <svg viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="8" />
        <path d="M16 6v17M9 16c0 6 3 9 7 9s7-3 7-9M11 11h10" />
      </svg>
      Holdfast
    </a>
  );
}

function Connection() {
  return connected.value ? (
    <Badge tone="good">{t('app.live')}</Badge>
  ) : (
    <span role="status">
      <Badge tone="warn">{t('app.away')}</Badge>
    </span>
  );
}

/** How many things of a page want to be looked at. */
function Count({ page }: { page: string }) {
  const facts = overview.value;
  if (facts === undefined) return null;
  const { ready = 0, degraded = 0, disabled = 0, stopped = 0 } = facts.upstreams.states;
  const { warning, error, critical } = facts.alerts;
  const counted: Readonly<Record<string, { n: number; what: Key }>> = {
    upstreams: { n: facts.upstreams.total - ready - degraded - disabled - stopped, what: 'upstreams.away' },
    alerts: { n: warning + error + critical, what: 'alerts.open' },
    approvals: { n: undecided(), what: 'approvals.wait' },
  };
  const { n = 0, what = 'alerts.open' } = counted[page] ?? {};
  return n > 0 ? (
    <span class="count bad" title={t(what, { n })}>
      {n}
    </span>
  ) : null;
}
