// The reference page of the faults, made from the table that every face reads.
import { FAULTS, type FaultRow, type Retry } from '../../src/core/fault-table.ts';

const RETRY: Readonly<Record<Retry, string>> = {
  no: 'no',
  waits: 'waits for it, inside the time of the call',
  unsent: 'yes: nothing was sent',
  'by-delivery': 'by delivery',
  'new-session': 'yes, in a new session',
  'after-delay': 'after the time asked for, if it fits the time of the call',
  'reads-once': 'what only reads, once',
};

export function faultDocs(): Record<string, string> {
  const rows = Object.entries(FAULTS).map(([name, fault]: [string, FaultRow]) => {
    const cells = [`\`${name}\``, fault.code, fault.http, `\`${fault.converged}\``, RETRY[fault.retry]];
    return `| ${[...cells, fault.breakerVote ? 'yes' : '', fault.retryable ? 'yes' : '', fault.hint].join(' | ')} |`;
  });
  return {
    'docs/reference/faults.md': `<!-- Made by \`npm run docs\` from src/core/fault-table.ts. Do not edit. -->
# Faults

Whatever goes wrong between a caller and an upstream is one of these. Faults are told apart by type, system error and
number, never by the text of a message. A JSON-RPC error that an upstream gives itself is no fault: it passes through.
So does a result with \`isError\`.

A fault carries \`data\` (JSON-RPC) or \`detail\` (REST):

| Member | Meaning |
|---|---|
| \`fault\` | the name below |
| \`upstream\` | whose fault it is, where it is one's |
| \`delivery\` | how far the request came, see below |
| \`retryable\` | whether repeating it may help and cannot run anything twice |
| \`retryAfterMs\` | how long to wait first, where that is known |
| \`correlationId\` | the same id as in the log |
| \`hint\` | what to do next |

| Delivery | Meaning |
|---|---|
| \`not-sent\` | it never left the gateway: safe to repeat |
| \`rejected-unprocessed\` | the upstream says that it did not run it: safe to repeat |
| \`maybe-sent\` | it left, and there is no valid answer: **the outcome is unknown, do not assume that it did not run** |
| \`answered\` | there was an answer |

"By delivery": what was not sent, or was rejected unprocessed, is sent again. What may have been sent is sent again once if
the tool declares itself read-only or idempotent, and never otherwise.

| Fault | JSON-RPC | HTTP | Converged view | The gateway repeats it | Counts against the path | Worth repeating | Hint |
|---|--:|--:|---|---|:-:|:-:|---|
${rows.join('\n')}

\`ARGUMENTS_INVALID\` of a tool call is given as a result with \`isError: true\`, so that a model can correct itself.
`,
  };
}
