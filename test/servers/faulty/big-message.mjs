// F-I7: an answer of `mb` (20) in one message.
import { serve } from './scaffold.mjs';

serve({
  call: ({ execute, server, args }) => {
    execute();
    return {
      content: [{ type: 'text', text: `${args.nonce} ${'x'.repeat((server.options.set.mb ?? 20) * 2 ** 20)}` }],
    };
  },
});
