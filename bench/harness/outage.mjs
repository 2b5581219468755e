// Callers that go on through a fault and keep account of every call: for the scenarios in which something breaks.
import { Session } from './session.mjs';

/**
 * Eight sessions calling in turn, half of them a read-only tool, half one that must not run twice.
 * `finish()` resolves with the calls: {at, took, ok, tool, why}, times on performance.now().
 */
export async function callers(url, count = 8) {
  const sessions = await Promise.all(Array.from({ length: count }, () => new Session(url).open()));
  const calls = [];
  let going = true;
  const all = sessions.map(async (session, index) => {
    const tool = index % 2 === 0 ? 'echo' : 'write';
    for (let turn = 0; going; turn++) {
      const nonce = `${index}-${turn}`;
      const at = performance.now();
      let ok = false;
      let why;
      try {
        const { result, error } = await session.call(`bench__${tool}`, { nonce });
        ok = result?.content?.[0]?.text === nonce && result.isError !== true;
        if (result?.content?.[0]?.text !== undefined && result.isError !== true && !ok) throw new Error('WRONG ANSWER');
        why = error?.message ?? result?.content?.[0]?.text;
      } catch (error) {
        why = error.message;
      }
      calls.push({ at, end: performance.now(), ok, tool, why: ok ? undefined : why });
      if (!ok) await new Promise((resolve) => setTimeout(resolve, 2)); // a caller that fails at once shall not spin
    }
  });
  return {
    calls,
    async finish() {
      going = false;
      await Promise.all(all);
      for (const session of sessions) session.close();
      if (calls.some(({ why }) => why === 'WRONG ANSWER')) throw new Error('a wrong answer came back');
      return calls;
    },
  };
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
