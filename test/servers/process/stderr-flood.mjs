// Writes 8 MB to stderr before each answer (F-P19).
import { serve } from './requests.mjs';

serve(() => {
  for (let line = 0; line < 1024; line++)
    process.stderr.write(`${String(line).padStart(6, '0')} ${'e'.repeat(8184)}\n`);
  process.stderr.write('the last line\n');
  return { done: true };
});
