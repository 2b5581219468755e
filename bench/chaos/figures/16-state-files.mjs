// The gateway is killed again and again while it writes: every file can be read, every acknowledged version is there.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pause, until } from '../harness/client.mjs';
import { exactly, measure, skip } from '../harness/report.mjs';

export const row = 16;
export const title = 'State files after SIGKILL during writes';
export const scaled = '12 kills in place of 500';
export const background = true;

export async function run(house) {
  const kills = house.scale(12, 500);
  const dataDir = house.file('state');
  const remote = await house.upstream('rug-pull');
  const configuration = { upstreams: { remote: { url: remote.url, transport: 'streamable-http' } } };
  const configPath = house.file('state.json');
  let corrupt = 0;
  let missing = 0;
  let changed = 0;
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
    if (acknowledged.size > 0) missing += await lost(api, acknowledged);
    const write = async () => {
      for (let turn = 0; ; turn++) {
        const edits = [{ path: ['upstreams', 'remote', 'description'], value: `${kill}-${turn}` }];
        const response = await api('/config', {
          method: 'PUT',
          body: JSON.stringify({ edits, reason: `${kill}-${turn}` }),
        });
        const answer = await response.json();
        if (!response.ok) {
          refused = `${response.status} ${JSON.stringify(answer).slice(0, 160)}`;
          return;
        }
        changed++;
        const version = answer.version ?? answer.value?.version ?? answer.ok?.version;
        if (version !== undefined) acknowledged.set(version, `${kill}-${turn}`);
        await remote.control({});
      }
    };
    const writing = write().catch(() => {}); // the gateway is gone
    await pause(100 + ((kill * 37) % 200));
    await gateway.kill();
    await writing;
    for (const file of jsonFiles(dataDir)) {
      try {
        JSON.parse(readFileSync(file, 'utf8'));
      } catch {
        corrupt++;
      }
    }
  }
  const last = await house.gateway(configuration, { dataDir, configPath, wait: false });
  const aside = existsSync(dataDir) ? allFiles(dataDir).filter((file) => /corrupt|broken/.test(file)).length : 0;
  await last.stop();
  return [
    measure('corrupt state files', corrupt + aside, exactly(0), {
      note: `${kills} kills, ${changed} changes${refused === undefined ? '' : `; refused ${refused}`}`,
    }),
    changed === 0
      ? skip('acknowledged versions lost', `no change was taken: ${refused}`)
      : measure('acknowledged versions lost', missing, exactly(0), { note: `${acknowledged.size} acknowledged` }),
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
