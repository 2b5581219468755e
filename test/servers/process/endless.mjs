// Begins a line and never ends it (F-I6).
import { serve } from './requests.mjs';

serve(() => {
  const piece = 'x'.repeat(1 << 20);
  const more = () => process.stdout.write(piece, more);
  process.stdout.write('{"jsonrpc":"2.0","method":"');
  more();
});
