// Exits on request with params.code: `after` has answered, `before` has not, `large` just behind a large answer.
import { writeSync } from 'node:fs';
import { answer, serve } from './requests.mjs';

serve((request) => {
  const { code, bytes = 0 } = request.params ?? {};
  process.stderr.write(`leaving with ${code}\n`);
  if (request.method === 'before') process.exit(code);
  if (request.method === 'after') {
    const text = Buffer.from(answer(request.id, { text: 'y'.repeat(bytes) }));
    for (let at = 0; at < text.length; ) {
      try {
        at += writeSync(1, text, at);
      } catch (error) {
        if (error.code !== 'EAGAIN') throw error;
      }
    }
    process.exit(code);
  }
  return {};
});
