// What the management API answers, where no type of the house says it already.
import type { JsonObject } from '../../src/core/json.ts';
import type { CallTiming } from '../../src/core/outcome.ts';
import type {
  AlertInfo,
  ApprovalControl,
  ApprovalMade,
  ApprovalWaiting,
  CallRow,
  ConfigPlan,
  ConfigProblem,
  ConfigVersionInfo,
  KeyInfo,
  ProcessInfo,
  SilenceInfo,
} from '../../src/core/ports.ts';
import type { RpcError } from '../../src/core/rpc.ts';
import type { Health, Safety, StateName } from '../../src/core/upstream.ts';
import type { EndpointStatus } from '../../src/faces/xiaozhi/endpoint.ts';
import type { LoginStatus } from '../../src/identity/upstream-login.ts';
import type { Sample } from '../../src/operations/series.ts';

export type {
  AlertInfo,
  ApprovalMade,
  ApprovalWaiting,
  CallRow,
  ConfigPlan,
  ConfigProblem,
  ConfigVersionInfo,
  EndpointStatus,
  Health,
  JsonObject,
  KeyInfo,
  ProcessInfo,
  Safety,
  SilenceInfo,
  StateName,
};

export type Approvals = ReturnType<ApprovalControl['shown']>;
export type Severity = AlertInfo['severity'];

export interface Session {
  principal: string;
  roles: readonly string[];
  version: string;
  /** What the gateway is set to. */
  locale: 'auto' | 'en' | 'zh';
}

export interface Overview {
  score: number;
  trend: 'improving' | 'steady' | 'worsening';
  upstreams: { total: number; states: Partial<Record<StateName, number>> };
  calls: {
    perSecond: number;
    inFlight: number;
    limit: number;
    errorPercent: number;
    p50: number | null;
    p95: number | null;
    p99: number | null;
  };
  recovery: { attempts: number; successRate: number };
  alerts: Record<Severity, number>;
  gateway: { cpuPercent: number; rss: number; heapUsed: number; eventLoopLag: number };
  version: string;
  /** Seconds. */
  uptime: number;
  config: number;
}

export interface UpstreamView {
  name: string;
  enabled: boolean;
  state: StateName;
  health: Health;
  since: string;
  reason?: string;
  fault?: string;
  hint?: string;
  attempt?: number;
  phase?: string;
  nextTryAt?: string;
  paused?: { by: string; since: string };
  /** Why it is quarantined. */
  held?: ApprovalWaiting['why'];
  /** Tools of it that wait for approval, where any do. */
  toolsWaiting?: number;
  score: number;
  trend: Overview['trend'];
  /** Where it is protected by an authorization server. */
  auth?: LoginStatus;
  transport: string;
  era?: string;
  revision?: string;
  serverInfo?: { name?: string; version?: string; title?: string };
  tools: number;
  resources: number;
  resourceTemplates: number;
  prompts: number;
  confirmed: boolean;
  inFlight: number;
  queued: number;
  restarts: number;
  errors: number;
  noise: number;
  pid?: number;
  lastExit?: { code: number | null; signal: string | null; at: string };
  lastCheck?: string;
  /** For an admin. */
  instructions?: string | null;
  capabilities?: JsonObject;
  excluded?: readonly { kind: string; name: string; reason: string }[];
  config?: JsonObject | null;
}

export type SampleRow = { at: string } & Sample;

export interface ToolView {
  upstream: string;
  name: string;
  exposed?: string;
  title: string | null;
  description: string;
  enabled: boolean;
  /** Why it waits for approval. */
  held?: ApprovalWaiting['why'];
  findings?: ApprovalWaiting['findings'];
  safety: Safety;
  annotations: JsonObject;
  bytes: number;
  tokens?: number;
  signature?: string;
  inputSchema?: JsonObject;
  outputSchema?: JsonObject | null;
}

/** What trying a tool, a resource or a prompt gives. */
export interface Tried {
  id: string;
  result?: JsonObject;
  error?: RpcError;
  bytes?: number;
  timing: CallTiming;
}

export interface Rule {
  name: string;
  metric: string;
  title: string;
  unit: string;
  enabled: boolean;
  upstreams: readonly string[];
  warning: number | null;
  error: number | null;
  critical: number | null;
  window: string;
  minCalls: number;
  minErrors: number;
  action: string;
  default: boolean;
}

export interface ConfigView {
  version: number;
  etag: string;
  text: string;
  format: string;
  file?: string;
  writes: 'file' | 'overlay' | 'memory';
  rejected?: { at: string; problems: readonly string[] };
}

export interface Diagnostics {
  status?: string;
  issues: readonly {
    id: string;
    severity: Severity;
    upstream?: string;
    title: string;
    evidence: string;
    since: string;
  }[];
  recommendations: readonly string[];
}
