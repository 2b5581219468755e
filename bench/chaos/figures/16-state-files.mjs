// The gateway is killed again and again while it writes: every file can be read, every acknowledged version is there.
// Each kill falls a few milliseconds behind an acknowledged change of a stream of changes, mostly into the next one.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pause, until } from '../harness/client.mjs';
import { atLeast, exactly, measure, skip } from '../harness/report.mjs';

export const row = 16;
export const title = 'State files after SIGKILL during writes';
export const scaled = '12 kills in place of 500';
export const background = true;

/** A kill falls at most so long after an acknowledged change, in milliseconds: about as long as one takes. */
const SPREAD = 30;

export async function run(house) {
  const kills = house.scale(12, 500);
  const dataDir = house.file('state');
  const remote = await house.upstream('rug-pull');
  const configuration = { upstreams: { remote: { url: remote.url, transport: 'streamable-http' } } };
  const configPath = house.file('state.json');
  const found = { corrupt: 0, missing: 0, stale: 0, changed: 0, during: 0, near: 0 };
  let refused;
  const acknowledged = new Map();
  for (let kill = 0; kill < kills; kill++) {
    const gateway = await house.gateway(configuration, { dataDir, configPath, wait: false, args: ['--no-watch'] });
    const token = readFileSync(join(dataDir, 'admin-token'), 'utf8').trim();
    const api = (path, options = {}) =>
      fetch(`${gateway.url}/api/v1${path}`, {
        ...options,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      });
    if (acknowledged.size > 0) found.missing += await lost(api, acknowledged);
    let asked = 0;
    let answered = 0;
    let last = 0;
    let told;
    const first = new Promise((resolve) => {
      told = resolve;
    });
    const write = async () => {
      for (;;) {
        const reason = `${kill}-${asked++}`;
        const edits = [{ path: ['upstreams', 'remote', 'description'], value: reason }];
        const response = await api('/config', { method: 'PUT', body: JSON.stringify({ edits, reason }) });
        const answer = await response.json();
        if (!response.ok) {
          refused = `${response.status} ${JSON.stringify(answer).slice(0, 160)}`;
          return;
        }
        last = performance.now();
        answered++;
        acknowledged.set(answer.version, reason);
        told();
        void remote.control({}).catch(() => {});
      }
    };
    const writing = write()
      .catch(() => {}) // the gateway is gone
      .finally(told);
    await first;
    await pause(Math.random() * SPREAD);
    if (asked > answered) found.during++;
    if (performance.now() - last <= SPREAD) found.near++;
    await gateway.kill();
    await writing;
    found.changed += answered;
    for (const file of [configPath, ...jsonFiles(dataDir)])
      try {
        JSON.parse(readFileSync(file, 'utf8'));
      } catch {
        found.corrupt++;
      }
    // The file holds the last change that was acknowledged, or the one that was under way.
    const { description } = JSON.parse(readFileSync(configPath, 'utf8')).upstreams.remote;
    if (answered > 0 && ![`${kill}-${answered - 1}`, `${kill}-${answered}`].includes(description)) found.stale++;
  }
  const last = await house.gateway(configuration, { dataDir, configPath, wait: false });
  const aside = existsSync(dataDir) ? allFiles(dataDir).filter((file) => /corrupt|damaged/.test(file)).length : 0;
  await last.stop();
  const { corrupt, missing, stale, changed, during, near } = found;
  return [
    measure('corrupt state files', corrupt + aside, exactly(0), {
      note: `${kills} kills, ${changed} changes${refused === undefined ? '' : `; refused ${refused}`}`,
    }),
    ...(changed === 0
      ? [skip('acknowledged versions lost', `no change was taken: ${refused}`)]
      : [
          measure('acknowledged versions lost', missing, exactly(0), { note: `${acknowledged.size} acknowledged` }),
          measure('acknowledged changes not in the file', stale, exactly(0)),
          measure('kills while a change was under way', during / kills, atLeast(0.5), {
            unit: '%',
            note: `${near} within ${SPREAD} ms of an acknowledged one`,
          }),
        ]),
  ];
}

/** How many acknowledged versions are not there, of those that are not older than what is kept. */
async function lost(api, acknowledged) {
  let answer;
  await until(async () => {
    const response = await api('/config/versions');
    answer = await response.json();
    return response.ok;
  }, 'the versions');
  const kept = new Map(answer.versions.map(({ version, reason }) => [version, reason]));
  const oldest = Math.min(...kept.keys());
  return [...acknowledged].filter(([version, reason]) => version >= oldest && kept.get(version) !== reason).length;
}

function allFiles(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? allFiles(path) : [path];
  });
}

const jsonFiles = (folder) => allFiles(folder).filter((path) => path.endsWith('.json'));
