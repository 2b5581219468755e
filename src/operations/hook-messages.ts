// An alert in the words of each kind of webhook. Formats of the vendors' documentation of custom bots.
import { createHmac } from 'node:crypto';
import type { SinkConfig } from '../config/schema-monitor.ts';
import type { AlertInfo } from '../core/ports.ts';

export interface Told {
  event: 'raised' | 'changed' | 'resolved' | 'test';
  alert: AlertInfo;
  /** Name of the machine. */
  host: string;
}

export interface HookMessage {
  url: string;
  headers: Record<string, string>;
  body: string;
}

const SIGNS = { warning: '⚠️', error: '🔶', critical: '🔴' } as const;

export function textOf({ event, alert, host }: Told): string {
  const sign = event === 'resolved' ? '✅' : event === 'test' ? '🔔' : SIGNS[alert.severity];
  const word = event === 'resolved' ? 'resolved' : event === 'test' ? 'test' : alert.severity;
  const action = alert.action === undefined ? '' : ` [${alert.action}]`;
  return `${sign} Holdfast on ${host}: ${word}: ${alert.rule}: ${alert.message}${action} (since ${alert.since})`;
}

/** `url` and `secret` as configured; `now` in milliseconds since 1970. */
export function hookMessage(sink: SinkConfig, url: string, told: Told, now: number): HookMessage {
  const text = textOf(told);
  const json = (value: unknown, more: Record<string, string> = {}): HookMessage => ({
    url,
    headers: { ...more, ...sink.headers },
    body: JSON.stringify(value),
  });
  switch (sink.format) {
    case 'slack':
      return json({ text });
    case 'wecom':
      return json({ msgtype: 'text', text: { content: text } });
    case 'feishu': {
      const timestamp = String(Math.floor(now / 1000));
      const signed = sink.secret === undefined ? {} : { timestamp, sign: feishuSign(timestamp, sink.secret) };
      return json({ ...signed, msg_type: 'text', content: { text } });
    }
    case 'dingtalk': {
      const message = json({ msgtype: 'text', text: { content: text } });
      if (sink.secret === undefined) return message;
      const signed = new URL(url);
      signed.searchParams.set('timestamp', String(now));
      signed.searchParams.set('sign', dingtalkSign(String(now), sink.secret));
      return { ...message, url: signed.href };
    }
    case 'ntfy': {
      const urgent = told.event !== 'resolved' && told.alert.severity === 'critical';
      const headers = {
        'content-type': 'text/plain; charset=utf-8',
        title: `Holdfast: ${told.event === 'resolved' ? 'resolved' : told.alert.severity}`,
        priority: urgent ? '5' : told.event === 'resolved' ? '2' : '4',
        tags: told.event === 'resolved' ? 'white_check_mark' : 'warning',
      };
      return { url, headers: { ...headers, ...sink.headers }, body: text };
    }
    case 'generic': {
      const body = JSON.stringify({ event: `alert.${told.event}`, host: told.host, text, alert: told.alert });
      const signature: Record<string, string> =
        sink.secret === undefined
          ? {}
          : { 'x-holdfast-signature': `sha256=${createHmac('sha256', sink.secret).update(body).digest('hex')}` };
      return { url, headers: { ...signature, ...sink.headers }, body };
    }
  }
}

/** Feishu keys the HMAC with time and secret and signs nothing. */
function feishuSign(timestamp: string, secret: string): string {
  return createHmac('sha256', `${timestamp}\n${secret}`).update('').digest('base64');
}

function dingtalkSign(timestamp: string, secret: string): string {
  return createHmac('sha256', secret).update(`${timestamp}\n${secret}`).digest('base64');
}

/** Chat systems answer 200 and say in the body that they did not take it. */
export function refusedIn(format: SinkConfig['format'], answer: string): string | undefined {
  if (format !== 'feishu' && format !== 'dingtalk' && format !== 'wecom') return undefined;
  let code: unknown;
  try {
    const value = JSON.parse(answer) as Record<string, unknown>;
    code = value.errcode ?? value.code ?? value.StatusCode ?? 0;
  } catch {
    return undefined;
  }
  return code === 0 ? undefined : `the receiver answered code ${String(code)}`;
}
