import { render } from 'preact';
import { App } from './app.tsx';
import { follow } from './state/live.ts';
import { begin } from './state/session.ts';

render(<App />, document.getElementById('app') as HTMLElement);
follow();
void begin();
