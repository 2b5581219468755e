// Answers with 50,000 levels of nesting, as one small message and as one large (F-I20).
import { serve } from './requests.mjs';

serve((request) => {
  const depth = request.params.depth;
  process.stdout.write(
    `{"jsonrpc":"2.0","id":${request.id},"result":{"deep":${'['.repeat(depth)}${']'.repeat(depth)}}}\n`,
  );
});
