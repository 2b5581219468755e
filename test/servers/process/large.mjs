// Answers `large` with params.bytes of text, its id first or (params.last) last; everything else at once.
import { serve } from './requests.mjs';

serve((request) => {
  if (request.method !== 'large') return { small: true };
  const { id } = request;
  const result = { text: 'x'.repeat(request.params.bytes) };
  const message = request.params.last ? { result, jsonrpc: '2.0', id } : { jsonrpc: '2.0', id, result };
  process.stdout.write(`${JSON.stringify(message)}\n`);
});
