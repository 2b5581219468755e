// Cuts an answer off in the middle of its line, then goes on as if nothing had happened (F-I3).
import { answer, serve } from './requests.mjs';

serve((request) => {
  const text = answer(request.id, { text: 'whole' });
  process.stdout.write(request.method === 'cut' ? `${text.slice(0, -12)}\n` : text);
});
