// The load generator, in a process of its own. It keeps a set of callers per target, opened once, and on request lets
// them call as fast as they are answered for some time. Orders come over IPC: prepare, run, close.
import { HttpCaller } from './http-caller.mjs';
import { checkAnswer, headersFor, initialize, initialized, requestMaker } from './messages.mjs';
import { SseCaller } from './sse-caller.mjs';
import { StdioLines } from './stdio-lines.mjs';

const targets = new Map();
let nonces = 0;

/** One caller over HTTP with a session of its own. */
async function httpCaller(spec, index) {
  const caller = new HttpCaller(spec.urls === undefined ? spec.url : spec.urls[index % spec.urls.length], {});
  await caller.open();
  const post = (body) => new Promise((resolve, reject) => caller.send(body, (...answer) => resolve(answer), reject));
  let session;
  if (spec.rest !== undefined) caller.headers({});
  else {
    if ((spec.era ?? 'legacy') === 'legacy') {
      const [status, head, body] = await post(initialize);
      if (status !== 200) throw new Error(`initialize: ${status} ${body}`);
      session = /\nmcp-session-id: *(\S+)/i.exec(head)?.[1];
      caller.headers(headersFor({ ...spec, era: 'legacy' }, session));
      await post(initialized);
    }
    caller.headers(headersFor(spec, session));
  }
  return checked(caller, spec, index);
}

/** One caller over HTTP+SSE, with a stream of its own. */
async function sseCaller(spec, index) {
  const caller = new SseCaller(spec.url);
  await caller.open();
  await new Promise((resolve, reject) => caller.send(initialize, resolve, reject));
  await caller.notify(initialized);
  return checked(caller, spec, index);
}

/** Calls of an open session; `once(done, failed)` makes one, and what comes back must be its answer. */
function checked(caller, spec, index) {
  const make = spec.rest === undefined ? requestMaker(spec) : (_, nonce) => JSON.stringify({ nonce, ...spec.args });
  let id = 0;
  return {
    close: () => caller.close(),
    ready: () => caller.ready(),
    once(done, failed) {
      const nonce = `n${index}-${nonces++}`;
      const nth = ++id;
      caller.send(
        make(nth, nonce),
        (status, _, body) => {
          try {
            if (status !== 200) throw new Error(`HTTP ${status}: ${body.toString('utf8', 0, 300)}`);
            if (spec.rest !== undefined) checkRest(body, nonce);
            else checkAnswer(body, { ...spec, bytes: spec.args?.bytes, id: nth, nonce }, nth);
          } catch (error) {
            return failed(error);
          }
          done();
        },
        failed,
      );
    },
  };
}

function checkRest(body, nonce) {
  if (!body.toString().includes(nonce)) throw new Error(`wrong answer to ${nonce}: ${body.toString('utf8', 0, 300)}`);
}

async function stdioTarget(spec) {
  const lines = new StdioLines(spec.command, spec.args0);
  await new Promise((resolve) => lines.send(0, initialize, resolve));
  lines.nextId();
  lines.notify(initialized);
  const make = requestMaker(spec);
  return {
    callers: Array.from({ length: spec.callers }, (_, index) => ({
      close() {},
      ready() {},
      once(done, failed) {
        const id = lines.nextId();
        const nonce = `n${index}-${nonces++}`;
        lines.send(id, make(id, nonce), (_status, _head, body) => {
          try {
            checkAnswer(body, { ...spec, bytes: spec.args?.bytes, id, nonce }, id);
          } catch (error) {
            return failed(error);
          }
          done();
        });
      },
    })),
    close: () => lines.close(),
  };
}

async function prepare(spec) {
  if (spec.kind === 'stdio') return await stdioTarget(spec);
  const open = spec.kind === 'sse' ? sseCaller : httpCaller;
  const callers = await Promise.all(Array.from({ length: spec.callers }, (_, index) => open(spec, index)));
  return {
    callers,
    close() {
      for (const caller of callers) caller.close();
    },
  };
}

/**
 * All callers in closed loops for `ms`; latencies in milliseconds. They begin at once, or evenly spread over `spread` ms.
 * The first wrong answer ends it.
 */
async function run({ callers, spread = 0 }, ms) {
  // Others had their turns meanwhile, and some servers close what is idle for 5 seconds.
  await Promise.all(callers.map((caller) => caller.ready()));
  const loops = callers.map(async (caller, index) => {
    if (spread > 0) await new Promise((resolve) => setTimeout(resolve, (index * spread) / callers.length));
    return await loop(caller, ms);
  });
  return summary(await Promise.all(loops));
}

/** One caller, who calls again as soon as it is answered: its latencies, and how long it took. */
function loop(caller, ms) {
  return new Promise((resolve, reject) => {
    const latencies = [];
    const begin = performance.now();
    const next = () => {
      const sent = performance.now();
      caller.once(() => {
        const now = performance.now();
        latencies.push(now - sent);
        if (now < begin + ms) next();
        else resolve({ latencies, took: now - begin });
      }, reject);
    };
    next();
  });
}

/** Rates are added up caller by caller: who has finished does not wait for the others. */
function summary(loops) {
  const sorted = Float64Array.from(loops.flatMap(({ latencies }) => latencies)).sort();
  const rate = loops.reduce((sum, { latencies, took }) => sum + (latencies.length * 1000) / took, 0);
  const at = (part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
  return { count: sorted.length, rate, p50: at(0.5), p99: at(0.99), max: at(1) };
}

const orders = {
  async prepare({ name, spec }) {
    targets.set(name, { ...(await prepare(spec)), spread: spec.spread });
  },
  run: ({ name, ms }) => run(targets.get(name), ms),
  async close({ name }) {
    await targets.get(name)?.close();
    targets.delete(name);
  },
};

process.on('message', async ({ id, order, ...rest }) => {
  try {
    process.send({ id, value: await orders[order](rest) });
  } catch (error) {
    process.send({ id, error: String(error?.message ?? error) });
  }
});
process.on('disconnect', () => process.exit(0));
