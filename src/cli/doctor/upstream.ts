// One upstream, from its settings to the wire: values that are missing, the command, the name, the port, the
// certificate. Nothing is started here.
import { lookup } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { connect as connectPlain, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { UpstreamConfig } from '../../config/schema.ts';
import { GatewayFault } from '../../core/fault.ts';
import { childEnvironment } from '../../upstream/process/environment.ts';
import { findCommand } from '../../upstream/process/lookup.ts';
import { t } from '../words.ts';
import type { Finding } from './finding.ts';

const WITHIN = 5_000;

/** @returns nothing but `ok` where it can be started or dialled */
export async function checkUpstream(upstream: string, config: UpstreamConfig): Promise<Finding[]> {
  const about = (check: string, level: Finding['level'], message: string, fix?: string): Finding => ({
    check,
    upstream,
    level,
    message,
    fix,
  });
  if (!config.enabled) return [about('enabled', 'note', t`is disabled`, `holdfast enable ${upstream}`)];
  const found: Finding[] = [
    ...config.invalid.map((text) =>
      about('config', 'error', text, t`change upstreams.${upstream} in the configuration`),
    ),
    ...config.unresolved.map((reference) =>
      about('variables', 'error', t`${reference} has no value`, wayTo(reference)),
    ),
  ];
  if (found.length > 0) return found;
  if (config.command !== undefined) return checkCommand(config.command, config, about);
  if (config.url !== undefined) return checkUrl(new URL(config.url), config, about);
  return [];
}

type About = (check: string, level: Finding['level'], message: string, fix?: string) => Finding;

function wayTo(reference: string): string {
  const [, kind, name = ''] = /^\$\{(env|file|secret):([^}:]+)/.exec(reference) ?? [];
  if (kind === 'env') return t`set the variable ${name} where the gateway is started, or write ${`\${env:${name}:-…}`}`;
  if (kind === 'file') return t`make the file ${name} readable for this user`;
  return t`store the secret ${name}: holdfast secret set ${name}`;
}

async function checkCommand(command: string, config: UpstreamConfig, about: About): Promise<Finding[]> {
  const found: Finding[] = [];
  try {
    const { env } = childEnvironment('it', config);
    const file = await findCommand({ upstream: 'it', command, cwd: config.cwd ?? process.cwd(), env });
    found.push(about('command', 'ok', file));
    if (
      process.env.NODE_EXTRA_CA_CERTS !== undefined &&
      env.NODE_EXTRA_CA_CERTS === undefined &&
      /(^|[\\/])(npx|node|bunx|pnpx|npm)(\.cmd|\.exe)?$/.test(command)
    )
      found.push(
        about(
          'variables',
          'warning',
          t`NODE_EXTRA_CA_CERTS is set here and not given to this server: it may not reach the network behind a company CA`,
          t`add "inheritEnv": ["NODE_EXTRA_CA_CERTS"] to it`,
        ),
      );
  } catch (error) {
    if (!(error instanceof GatewayFault)) throw error;
    const { missingEnv, errno, searched } = error.data ?? {};
    if (missingEnv !== undefined) {
      found.push(about('variables', 'error', error.message.replace('upstream "it" ', ''), error.hint));
    } else {
      const fix =
        errno === 'EACCES'
          ? `chmod +x ${String(searched)}`
          : t`install it, or give its absolute path (the PATH of the gateway counts, not that of your shell)`;
      found.push(about('command', 'error', error.message.replace(/^upstream "it" cannot start: \w+, /, ''), fix));
    }
  }
  return found;
}

async function checkUrl(url: URL, config: UpstreamConfig, about: About): Promise<Finding[]> {
  const secure = url.protocol === 'https:' || url.protocol === 'wss:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port) || (secure ? 443 : 80);
  try {
    await lookup(host);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const fix =
      code === 'EAI_AGAIN'
        ? t`check the network and the name server of this machine`
        : t`check the spelling of the address`;
    return [about('dns', 'error', t`the name ${host} is not known (${code})`, fix)];
  }
  const began = performance.now();
  const took = () => `${Math.round(performance.now() - began)} ms`;
  let socket: Socket | undefined;
  try {
    socket = await opened(
      secure
        ? connectTls({
            host,
            port,
            servername: /^[\d.:]+$/.test(host) ? '' : host,
            ALPNProtocols: ['http/1.1'],
            ...trust(config),
          })
        : connectPlain({ host, port }),
      secure ? 'secureConnect' : 'connect',
    );
    return [about(secure ? 'tls' : 'tcp', 'ok', t`${host}:${port} answers (${took()})`)];
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (/CERT|SIGNATURE|ISSUER|ALTNAME|SELF_SIGNED/.test(code))
      return [
        about(
          'tls',
          'error',
          t`the certificate of ${host} is not accepted (${code})`,
          t`renew it, or name its CA in tls.ca of the upstream`,
        ),
      ];
    const fixes: Record<string, string> = {
      ECONNREFUSED: t`start the server, or check the port`,
      ETIMEDOUT: t`check firewall and address`,
      EHOSTUNREACH: t`check the network`,
    };
    return [
      about(
        secure ? 'tls' : 'tcp',
        'error',
        t`${host}:${port} cannot be reached (${code || message})`,
        fixes[code] ?? t`check address and network`,
      ),
    ];
  } finally {
    socket?.destroy();
  }
}

function trust({ tls }: UpstreamConfig): ConnectionOptions {
  if (tls === undefined) return {};
  const pem = (given: string | undefined) =>
    given === undefined || given.startsWith('-----BEGIN') ? given : readFileSync(given, 'utf8');
  const { ca, cert, key, servername, insecure } = tls;
  return {
    ...(ca !== undefined && { ca: pem(ca) }),
    ...(cert !== undefined && key !== undefined && { cert: pem(cert), key: pem(key) }),
    ...(servername !== undefined && { servername }),
    ...(insecure && { rejectUnauthorized: false }),
  };
}

function opened(socket: Socket, event: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    socket.setTimeout(WITHIN, () =>
      socket.destroy(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' })),
    );
    socket.once('error', reject);
    socket.once(event, () => {
      socket.off('error', reject);
      socket.on('error', () => undefined);
      resolve(socket);
    });
  });
}
