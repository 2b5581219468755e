// Approval of upstreams and tools: what waits, with what differs and what would be started; yes or no (10.21).
import * as z from 'zod';
import type { ApprovalControl } from '../../core/ports.ts';
import { type ApiCall, type ApiOperation, operation, Refusal } from './api.ts';
import type { AdminDeps } from './deps.ts';

const TAG = 'approvals';
const verdict = z.strictObject({
  tools: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe(
      'Only these, by the names the upstream gives them; `prompt:…`, `resource:…`, `template:…`, `server:instructions` for the rest. Absent: all of it that waits, else the upstream itself.',
    ),
  fingerprints: z
    .array(z.string().min(1))
    .optional()
    .describe('Those of what was looked at: refused where something else stands there by now.'),
});
type Body = z.output<typeof verdict>;

export function approvalOperations(deps: AdminDeps): ApiOperation[] {
  const port = (): ApprovalControl => {
    if (deps.approvals === undefined) throw new Refusal(501, 'this gateway has no approvals');
    return deps.approvals;
  };
  const decision = (verb: 'approve' | 'reject', summary: string): ApiOperation =>
    operation({
      method: 'POST',
      path: `/approvals/{upstream}/${verb}`,
      needs: 'admin',
      tag: TAG,
      summary,
      body: verdict,
      answer: '{upstream, decided: [{tool?, fingerprint}]}; without a tool: the upstream itself',
      audited: ({ params, body }) => ({
        action: verb,
        subject: body.tools === undefined ? (params.upstream as string) : `${params.upstream}/${body.tools.join(', ')}`,
      }),
      handle: ({ params, body, principal }: ApiCall<Body>) => {
        const upstream = params.upstream as string;
        return { upstream, decided: port().decide({ ...body, approve: verb === 'approve', upstream }, principal.id) };
      },
    });
  return [
    {
      method: 'GET',
      path: '/approvals',
      needs: 'admin',
      tag: TAG,
      summary: 'Upstreams and tools that are held back, with what differs; the decisions so far',
      query: { upstream: 'only of this one' },
      answer:
        '{approval, scanner, waiting: [{upstream, tool?, why, fingerprint, starts?, diff: [{path, from, to}], findings?, by?, at?, approved?, rejected?}], decisions: […]}; why: new, changed, flagged or rejected',
      handle: ({ query }) => {
        const only = query.get('upstream');
        const { waiting, decisions, ...rest } = port().shown();
        const meant = ({ upstream }: { upstream: string }) => only === null || upstream === only;
        return { ...rest, waiting: waiting.filter(meant), decisions: decisions.filter(meant) };
      },
    },
    decision('approve', 'Let an upstream start, or its tools be listed and called'),
    decision(
      'reject',
      'Hold an upstream or its tools back until somebody approves them, also what was approved before',
    ),
  ];
}
