// F-P24: from the first faulty call on a thread of it burns a whole core; it goes on answering.
import { Worker } from 'node:worker_threads';
import { serve } from './scaffold.mjs';

serve({
  call: () => {
    new Worker('for (;;);', { eval: true }).on('error', () => {});
  },
});
