// F-P19: writes `mb` (8) of stderr at once, then answers.
import { serve } from './scaffold.mjs';

serve({
  async call({ server }) {
    const line = `${'complaint '.repeat(10)}\n`;
    const whole = line.repeat(Math.ceil(((server.options.set.mb ?? 8) * 2 ** 20) / line.length));
    await new Promise((resolve) => process.stderr.write(whole, resolve));
  },
});
