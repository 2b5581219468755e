// F-H18: every GET stream is dropped after `ms` (200); each opening is in the ledger as `stream`.
import { serve } from './scaffold.mjs';

serve({
  async http(exchange) {
    await exchange.next();
    if (exchange.request.method !== 'GET') return;
    exchange.server.ledger.add('stream');
    setTimeout(() => exchange.response.destroy(), exchange.server.options.set.ms ?? 200);
  },
});
