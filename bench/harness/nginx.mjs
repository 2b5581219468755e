// nginx where it is installed: what a hop costs that is not Node's, and the balancer of docs/how-to/reverse-proxy.md.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { startNode } from './processes.mjs';

/** Path of nginx; undefined where it is not installed. */
export function findNginx() {
  for (const path of ['nginx', '/usr/sbin/nginx', '/usr/local/sbin/nginx']) {
    try {
      execFileSync(path, ['-v'], { stdio: 'ignore' });
      return path;
    } catch {
      // the next
    }
  }
  return undefined;
}

/** One worker in front of these servers; requests of a session go to the same one. Ends with the scenario. */
export async function startNginx(bench, nginx, urls) {
  const folder = bench.path('nginx');
  mkdirSync(folder);
  const port = await freePort();
  const servers = urls.map((url) => `server ${new URL(url).host};`).join(' ');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (one) => `${one}_temp_path ${folder}/${one};`,
  );
  const config = `
daemon off; master_process off; pid ${folder}/pid; error_log stderr crit;
events { worker_connections 4096; }
http {
  access_log off; ${temporary.join(' ')}
  keepalive_requests 100000000;
  map $http_mcp_session_id $holdfast_key { "" $request_id; default $http_mcp_session_id; }
  upstream holdfast { hash $holdfast_key consistent; ${servers} keepalive 64; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port} backlog=511;
    location / {
      proxy_pass http://holdfast;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_request_buffering off;
      client_max_body_size 4m;
    }
  }
}`;
  writeFileSync(join(folder, 'nginx.conf'), config);
  const args = ['-p', folder, '-e', 'stderr', '-c', join(folder, 'nginx.conf')];
  const program = bench.own(await startNode(args, { program: nginx, port }));
  return { pid: program.pid, url: `http://127.0.0.1:${port}` };
}

/** A port that nobody has just now. */
export function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
