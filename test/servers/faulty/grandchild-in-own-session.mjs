// F-P17: starts a grandchild in a session of its own (setsid), with its environment; a signal to the group misses it.
import { spawn } from 'node:child_process';
import { serve } from './scaffold.mjs';

spawn('sleep', ['86398'], { stdio: 'ignore', detached: true }).unref();
serve();
