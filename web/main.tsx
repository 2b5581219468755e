import { render } from 'preact';
import { App } from './app.tsx';
import { followApprovals } from './state/approvals.ts';
import { follow } from './state/live.ts';
import { begin } from './state/session.ts';

render(<App />, document.getElementById('app') as HTMLElement);
follow();
followApprovals();
void begin();
