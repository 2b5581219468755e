// What may be said about watching the gateway: samples, alert rules and where alerts go, the call history, traces.
import * as z from 'zod';
import { anyTime, size, someTime } from './units.ts';

/** What a rule can look at; each is told per upstream, per process or for the gateway itself. */
export const RULE_METRICS = [
  'cpu_percent',
  'memory_percent',
  'response_time_ms',
  'error_percent',
  'error_count',
  'upstream_down',
  'endpoint_down',
  'exits',
  'host_failures',
  'surviving_processes',
  'gateway_cpu_percent',
  'gateway_memory_percent',
  'gateway_heap_percent',
  'event_loop_lag_ms',
  'event_loop_stall_ms',
  'shared_store_down',
  'state_not_written',
] as const;

export const SEVERITIES = ['warning', 'error', 'critical'] as const;

/** The hook formats a sink can speak. */
export const HOOK_FORMATS = ['generic', 'slack', 'feishu', 'dingtalk', 'wecom', 'ntfy'] as const;

const url = z.string().refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), {
  error: 'expected an http:// or https:// URL',
});

const rule = z.strictObject({
  name: z.string().min(1).describe('Its name; that of a default rule changes only the keys given here.'),
  metric: z.enum(RULE_METRICS).optional().describe('What it looks at; needed for a rule of your own.'),
  enabled: z.boolean().optional().describe('False: the rule rests.'),
  upstreams: z
    .array(z.string())
    .optional()
    .describe('Upstreams (or endpoints) it concerns: names or globs; absent: all.'),
  warning: z.number().optional().describe('Above this value: a warning.'),
  error: z.number().optional().describe('Above this value: an error.'),
  critical: z.number().optional().describe('Above this value: critical.'),
  window: anyTime.optional().describe('How far back it looks, and how long the value must be low again.'),
  minCalls: z.number().int().min(0).optional().describe('Calls in the window below which it says nothing.'),
  minErrors: z.number().int().min(0).optional().describe('Errors in the window below which it says nothing.'),
  action: z.enum(['none', 'restart']).optional().describe('What is done when it becomes critical.'),
});

const sink = z.strictObject({
  type: z.enum(['webhook', 'command', 'log']).describe('How it is told.'),
  name: z.string().min(1).optional().describe('Name in records.'),
  format: z.enum(HOOK_FORMATS).prefault('generic').describe('What the webhook expects.'),
  url: url.optional().describe('Address of the webhook.'),
  headers: z.record(z.string(), z.string()).prefault({}).describe('Further headers of the webhook.'),
  secret: z
    .string()
    .min(1)
    .optional()
    .describe('Signs messages to Feishu and DingTalk; for `generic`, an HMAC header.'),
  command: z.string().min(1).optional().describe('Program to run, without a shell; the alert is JSON on its stdin.'),
  args: z.array(z.string()).prefault([]).describe('Its arguments.'),
  severity: z.enum(SEVERITIES).prefault('warning').describe('The least severity that is told.'),
  resolved: z.boolean().prefault(true).describe('Also tell when an alert is over.'),
});

export const monitorSchema = z
  .strictObject({
    enabled: z.boolean().prefault(true).describe('Sample processes and judge alert rules; counters go on without it.'),
    interval: someTime.prefault('30s').describe('Time between two samples.'),
    window: z.number().int().min(10).max(100_000).prefault(1000).describe('Samples that are kept.'),
    rules: z.array(rule).prefault([]).describe('Alert rules, laid over the default ones by name.'),
    sinks: z.array(sink).prefault([]).describe('Where alerts are told; the log hears of all of them anyway.'),
  })
  .prefault({})
  .describe('Samples and alerts.');

export const callLogSchema = z
  .strictObject({
    enabled: z.boolean().prefault(true).describe('Keep the calls of late, in memory and on disk.'),
    maxRecords: z.number().int().min(10).max(1_000_000).prefault(5000).describe('Calls kept in memory.'),
    file: z.string().min(1).optional().describe('File of lines of JSON; absent: `calls.jsonl` in the data directory.'),
    maxSize: size.prefault('10MB').describe('Size at which a file is put aside and a new one begun.'),
    files: z.number().int().min(0).max(100).prefault(5).describe('Files put aside that are kept; 0: nothing on disk.'),
    perSecond: z
      .number()
      .int()
      .min(1)
      .prefault(1000)
      .describe('Calls written per second; above it every n-th, and all that failed, were repeated or took over 1 s.'),
    arguments: z
      .enum(['none', 'hash', 'redacted'])
      .prefault('none')
      .describe('What is kept of the arguments: nothing, a SHA-256 of them, or them without secrets (2 KB at most).'),
  })
  .prefault({})
  .describe('The history of calls.');

export const auditSchema = z
  .strictObject({
    enabled: z.boolean().prefault(true).describe('Write down who changed what: `audit.jsonl` in the data directory.'),
    calls: z
      .enum(['keyed', 'always', 'never'])
      .prefault('keyed')
      .describe(
        'Which calls are written down, with a hash of their arguments: those of callers with a key, all, none.',
      ),
    maxSize: size.prefault('10MB').describe('Size at which a file is put aside and a new one begun.'),
    files: z.number().int().min(1).max(1000).prefault(10).describe('Files put aside that are kept.'),
  })
  .prefault({})
  .describe('The audit log: lines of JSON that are only ever added.');

export const tracingSchema = z
  .strictObject({
    enabled: z.boolean().prefault(false).describe('Send a span for every call.'),
    endpoint: url
      .prefault('http://127.0.0.1:4318/v1/traces')
      .describe('OTLP over HTTP, JSON: the full URL that takes spans.'),
    headers: z.record(z.string(), z.string()).prefault({}).describe('Headers of these requests, a key for example.'),
    sampleRatio: z.number().min(0).max(1).prefault(1).describe('Share of traces that begin here and are sent.'),
    serviceName: z.string().min(1).prefault('holdfast').describe('`service.name` of the spans.'),
  })
  .prefault({})
  .describe('OpenTelemetry traces.');

export type MonitorConfig = z.output<typeof monitorSchema>;
export type RuleConfig = MonitorConfig['rules'][number];
export type SinkConfig = MonitorConfig['sinks'][number];
export type CallLogConfig = z.output<typeof callLogSchema>;
export type AuditConfig = z.output<typeof auditSchema>;
export type TracingConfig = z.output<typeof tracingSchema>;
export type Severity = (typeof SEVERITIES)[number];
export type RuleMetric = (typeof RULE_METRICS)[number];
