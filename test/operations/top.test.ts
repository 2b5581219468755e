// `holdfast top` in a real terminal (a pty of util-linux' `script`) on a real gateway whose server dies and comes back.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import stringWidth from 'string-width';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { ModernHttpClient } from '../support/modern-http-client.ts';
import { Program } from '../support/program.ts';
import { type ListeningUpstream, startUpstream } from '../support/upstream.ts';
import { waitFor } from '../support/wait.ts';

const MAIN = new URL('../../dist/main.js', import.meta.url).pathname;
const SCRIPT = ['/usr/bin/script', '/bin/script'].find((path) => existsSync(path));

class Terminal {
  readonly program: Program;
  #output = '';

  constructor(command: string, { columns, rows }: { columns: number; rows: number }, env: Record<string, string> = {}) {
    const line = `tty; stty cols ${columns} rows ${rows}; exec ${command}`;
    this.program = new Program(SCRIPT as string, {
      args: ['-qefc', line, '/dev/null'],
      env: { PATH: process.env.PATH, HOME: '/nowhere', TERM: 'xterm', ...env },
    });
    this.program.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
    });
  }

  get output(): string {
    return this.#output;
  }

  /** The lines that were drawn last. */
  get screen(): string[] {
    const frame = this.#output.split('\x1b[H').at(-1) ?? '';
    return stripVTControlCharacters(frame).split(/\r*\n/);
  }

  row(start: string): string | undefined {
    return this.screen.find((line) => line.startsWith(start));
  }

  press(keys: string): void {
    this.program.child.stdin?.write(keys);
  }

  async resize(columns: number, rows: number): Promise<void> {
    const [, tty = ''] = await this.program.line(/^(\/dev\/\S+)/);
    execFileSync('stty', ['-F', tty.trim(), 'cols', String(columns), 'rows', String(rows)]);
  }

  shows(pattern: RegExp, within = 10_000): Promise<string> {
    return waitFor(() => this.screen.find((line) => pattern.test(line)), {
      within,
      what: () => `${pattern} on\n${this.screen.join('\n')}`,
    });
  }
}

describe.skipIf(SCRIPT === undefined)('holdfast top (B-34)', () => {
  let server: ListeningUpstream;
  let gateway: Gateway;
  const config = () => ({
    upstreams: {
      天气: { url: server.url, timeouts: { ready: '100ms' } },
      demo: { command: process.execPath, args: [DEMO] },
    },
    monitor: { rules: [{ name: 'upstream_down', warning: 0.5, error: 60, critical: 120, window: '1s' }] },
  });
  const DEMO = new URL('../../dist/demo.js', import.meta.url).pathname;
  const command = (...args: string[]) =>
    `${process.execPath} ${MAIN} top --data-dir ${gateway.dataDir} ${args.join(' ')}`;
  beforeEach(async () => {
    server = await startUpstream('healthy', {});
    gateway = await startGateway({ config: config() });
    await gateway.upstreamsIn();
  });
  afterEach(async () => {
    await gateway.stop();
    await server.stop();
  });

  it('shows a death and its healing, alerts and failed calls; takes keys; follows the window', async () => {
    const terminal = new Terminal(command(), { columns: 110, rows: 30 });
    try {
      expect(await terminal.shows(/^天气 +ready/)).toMatch(/ 100$/);
      expect(terminal.output).toContain('\x1b[?1049h');
      const caller = new ModernHttpClient(`${gateway.url}/mcp/passthrough`);
      await server.stop();
      const died = performance.now();
      const tool = ((await caller.request('tools/list')) as { tools: { name: string }[] }).tools;
      await caller
        .call(tool.find(({ name }) => name.endsWith('__read'))?.name as string, { nonce: 'y' })
        .catch(() => {});
      await terminal.shows(/^天气 +backoff .*next try \d+ s, attempt \d+/);
      expect(performance.now() - died).toBeLessThan(30_000);
      await terminal.shows(/^天气 .*100 %/);
      await terminal.shows(/^\d\d:\d\d:\d\d {2}UPSTREAM_\w+ {2}天气\/read/);
      await terminal.shows(/^warning .* upstream_down {2}天气: not available/, 15_000);
      expect(await terminal.shows(/^alerts: 1 warning/)).toBeDefined();

      terminal.press('/demo\r');
      await terminal.shows(/filter: demo/);
      await waitFor(() => terminal.row('天气') === undefined && terminal.row('demo') !== undefined);
      terminal.press('\x1b');
      await waitFor(() => terminal.row('天气') !== undefined);
      terminal.press('s');
      await terminal.shows(/by name/);

      await terminal.resize(60, 16);
      await waitFor(() => terminal.screen.length <= 16 && terminal.screen.every((line) => stringWidth(line) <= 60));
      expect(terminal.row('天气')).toMatch(/^天气 +backoff/);
      await terminal.resize(110, 30);

      server = await startUpstream('healthy', { port: server.port });
      await terminal.shows(/^天气 +ready/, 20_000);
      await terminal.shows(/^alerts: none/, 20_000);

      terminal.press('q');
      expect(await terminal.program.exited).toEqual({ code: 0, signal: null });
      expect(terminal.output.endsWith('\x1b[?25h\x1b[?1049l')).toBe(true);
    } finally {
      await terminal.program.stop();
    }
  });

  it('waits for a gateway that is started again; NO_COLOR is heard; Ctrl-C ends it', async () => {
    const terminal = new Terminal(
      command('--config', gateway.configPath),
      { columns: 100, rows: 24 },
      { NO_COLOR: '1' },
    );
    try {
      await terminal.shows(/^demo +ready/);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
      expect(terminal.output).not.toMatch(/\x1b\[3\dm/);
      gateway.program.child.kill('SIGKILL');
      await gateway.program.exited;
      await terminal.shows(/trying again/);
      await using again = await startGateway({ config: config(), dataDir: gateway.dataDir });
      await again.upstreamsIn();
      await waitFor(() => terminal.screen[0]?.includes(again.url), { within: 15_000 });
      expect(await terminal.shows(/^demo +ready/)).toBeDefined();
      terminal.press('\x03');
      expect((await terminal.program.exited).code).toBe(0);
    } finally {
      await terminal.program.stop();
    }
  });

  it('prints once for pipes, as text without escapes or as JSON; 5 where no gateway answers', async () => {
    const run = async (...args: string[]) => {
      const program = new Program(process.execPath, { args: [MAIN, 'top', ...args] });
      const { code } = await program.exited;
      return { code, text: program.lines.join('\n'), stderr: program.stderr };
    };
    const once = await run('--once', '--data-dir', gateway.dataDir);
    expect(once).toMatchObject({ code: 0, stderr: '' });
    expect(once.text).toMatch(/^天气 {6}ready/m);
    expect(stripVTControlCharacters(once.text)).toBe(once.text);
    const { text } = await run('--json', '--data-dir', gateway.dataDir);
    const look = JSON.parse(text) as { overview: { score: number }; upstreams: { name: string }[]; calls: unknown[] };
    expect([look.overview.score, look.upstreams.map(({ name }) => name), look.calls]).toEqual([
      100,
      ['天气', 'demo'],
      [],
    ]);
    expect(await run('--once', '--url', 'http://127.0.0.1:9')).toMatchObject({ code: 5 });
  });
});
