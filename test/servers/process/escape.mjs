// Starts a process in a session of its own, which outlives it and ignores SIGTERM (F-P17).
import { spawn } from 'node:child_process';
import { serve } from './requests.mjs';

const script = 'process.on("SIGTERM", () => undefined); setInterval(() => undefined, 1000); process.stdout.write("up")';
const escapee = spawn(process.execPath, ['-e', script], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
const up = new Promise((resolve) => escapee.stdout.once('data', resolve));
serve((request) => {
  void up.then(() => {
    escapee.stdout.destroy();
    escapee.unref();
    process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id: request.id, result: { pid: escapee.pid } })}\n`);
  });
});
