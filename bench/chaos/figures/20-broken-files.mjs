// The file of a running gateway is replaced by broken ones, each of another kind or broken at another place: the gateway
// goes on as it was, answers, and says where each is wrong (reliability F-K1, F-K3).
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { until } from '../harness/client.mjs';
import { faulty } from '../harness/house.mjs';
import { processesUnder } from '../harness/proc.mjs';
import { exactly, measure } from '../harness/report.mjs';

export const row = 20;
export const title = 'Broken configuration files under a running gateway';
export const scaled = '24 files in place of 200';
export const background = true;

const WRONG = ['5', '"text"', 'null', '[]', '-1', '{"no such key": 1}', '1e999', 'NaN', "'single'", 'undefined'];
const PLACES = [
  ['"command": ', /"command": "[^"]*"/],
  ['"args": ', /"args": \[[^\]]*\]/],
  ['"upstreams": ', /"upstreams": \{\n/],
  ['"timeouts": ', /"timeouts": \{[^}]*\}/],
  ['"port": ', /"port": \d+/],
];
/** Of those, what nothing is wrong with. */
const RIGHT = ['"command": "text"', '"args": []', '"port": 5'];
const ENTIRELY = [
  ['empty', ''],
  ['blanks', ' \n\t\n'],
  ['a BOM and nothing', '\uFEFF'],
  ['null', 'null'],
  ['an array', '[{}]'],
  ['a number', '17'],
  ['a text', '"upstreams"'],
  ['HTML', '<!doctype html><title>502</title>'],
  ['YAML', 'upstreams:\n  stays:\n    command: node\n'],
  ['binary', Buffer.from(Array.from({ length: 512 }, (_, at) => (at * 37) % 256))],
  ['zeros', Buffer.alloc(4096)],
  ['half of UTF-16', Buffer.from('\uFEFF{"upstreams": {', 'utf16le')],
  ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])],
  ['a megabyte of brackets', '['.repeat(1_000_000)],
  ['conflict marks', '<<<<<<< ours\n{"upstreams": {}}\n=======\n{}\n>>>>>>> theirs\n'],
  ['deleted', undefined],
  ['a directory', null],
];

/** Broken texts, made from a good one: `[how, content]`. */
function broken(text, count) {
  const kinds = [...ENTIRELY];
  for (const wrong of WRONG)
    for (const [key, pattern] of PLACES) {
      if (RIGHT.includes(`${key}${wrong}`)) continue;
      const put = (was) => (was.endsWith('{\n') ? `${key}${wrong}, "more": {\n` : `${key}${wrong}`);
      kinds.push([`${key}${wrong}`, text.replace(pattern, put)]);
    }
  // Of an object no part that ends early is one.
  const cuts = 200 - kinds.length;
  for (let cut = 0; cut < cuts; cut++) {
    const at = 1 + Math.floor((cut * (text.trimEnd().length - 2)) / cuts);
    kinds.push([`cut at ${at}`, text.slice(0, at)]);
  }
  const step = kinds.length / count;
  return Array.from({ length: count }, (_, at) => kinds[Math.floor(at * step)]);
}

export async function run(house) {
  const upstreams = { stays: { ...faulty('healthy'), timeouts: { call: '30s' } }, also: faulty('slow-start') };
  const config = { upstreams, server: { port: 8000 } };
  const text = `${JSON.stringify(config, null, 2)}\n`;
  const gateway = await house.gateway(config);
  writeFileSync(gateway.configPath, text);
  const pids = () => processesUnder(gateway.pid).map(({ pid }) => pid);
  const before = pids().sort().join();
  const files = broken(text, house.scale(24, 200));
  const bad = { taken: [], placeless: [], unanswered: 0 };
  let at;
  let { version } = (await gateway.health()).config;
  for (const [index, [how, content]] of files.entries()) {
    rmSync(gateway.configPath, { recursive: true, force: true });
    if (content === null) mkdirSync(gateway.configPath);
    else if (content !== undefined) writeFileSync(gateway.configPath, content);
    const seen = await until(
      async () => {
        const { config: now } = await gateway.health();
        return (now.version !== version || (now.rejected !== undefined && now.rejected.at !== at)) && now;
      },
      `a word about ${how}`,
      house.scale(30_000, 60_000),
      20,
    );
    if (seen.version !== version) bad.taken.push(how);
    version = seen.version;
    at = seen.rejected?.at;
    // A file that is not there, or is none, has no line.
    const place = content === undefined || content === null ? 'holdfast.json: ' : /holdfast\.json:\d+:\d+: /;
    for (const problem of seen.rejected?.problems ?? [''])
      if (problem.search(place) === -1) bad.placeless.push(`${how}: ${problem}`);
    const { ok } = await house.client.call(gateway, 'stays', 'write', { nonce: `b${index}` });
    if (!ok) bad.unanswered++;
  }
  const running = gateway.running() && pids().sort().join() === before;
  rmSync(gateway.configPath, { recursive: true, force: true });
  writeFileSync(gateway.configPath, text.replace('"30s"', '"31s"'));
  const healed = await until(async () => {
    const { config: now } = await gateway.health();
    return now.version === version + 1 && now.rejected === undefined;
  }, 'the good one').then(
    () => 'yes',
    () => 'no',
  );
  const history = readFileSync(`${gateway.dataDir}/versions/index.json`, 'utf8');
  return [
    measure('broken files taken', bad.taken.length, exactly(0), {
      note:
        bad.taken.slice(0, 4).join('; ') ||
        `${files.length} files, ${JSON.parse(history).versions.length} versions kept`,
    }),
    measure('problems without a place', bad.placeless.length, exactly(0), {
      note: bad.placeless.slice(0, 2).join('; '),
    }),
    measure('calls not answered between them', bad.unanswered, exactly(0)),
    measure('gateway and its processes are the same', running ? 'yes' : 'no', exactly('yes')),
    measure('a good file is taken afterwards', healed, exactly('yes')),
  ];
}
