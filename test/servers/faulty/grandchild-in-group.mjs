// F-P16: starts a grandchild through a shell, in its own process group, that outlives it if nobody ends it.
import { spawn } from 'node:child_process';
import { serve } from './scaffold.mjs';

spawn('sh', ['-c', 'sleep 86399 & wait'], { stdio: 'ignore' });
serve();
