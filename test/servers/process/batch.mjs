// Answers in arrays, as 2025-03-26 allows.
import { serve } from './requests.mjs';

serve((request) => {
  const { id } = request;
  const note = { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'x' } };
  process.stdout.write(`${JSON.stringify([note, { jsonrpc: '2.0', id, result: { batched: true } }])}\n`);
});
