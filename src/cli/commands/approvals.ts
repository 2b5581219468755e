// `holdfast approvals | approve | reject`: what the running gateway holds back, and what shall become of it (10.21).
import type { ApprovalDifference, ApprovalMade, ApprovalWaiting } from '../../core/ports.ts';
import { callApi, findRemote, type RemoteOptions } from '../client.ts';
import { EXIT } from '../exit.ts';
import { said, t } from '../words.ts';

interface Shown {
  approval: string;
  scanner: boolean;
  waiting: ApprovalWaiting[];
  decisions: ApprovalMade[];
}

/** Lists what waits; for one upstream everything that differs, and who decided what. */
export async function approvals(upstream: string | undefined, options: RemoteOptions): Promise<number> {
  const query = upstream === undefined ? '' : `?upstream=${encodeURIComponent(upstream)}`;
  const answer = await callApi(findRemote(options), 'GET', `/approvals${query}`);
  if (options.json) process.stdout.write(`${JSON.stringify(answer)}\n`);
  else process.stdout.write(textOf(answer as unknown as Shown, upstream !== undefined));
  return EXIT.ok;
}

function textOf({ approval, waiting, decisions }: Shown, whole: boolean): string {
  if (approval === 'off') return `${t`security.approval is off: nothing waits for approval`}\n`;
  const lines = waiting.length === 0 ? [t`nothing waits for approval`] : waiting.flatMap((one) => linesOf(one, whole));
  if (whole)
    lines.push(
      ...decisions
        .slice(0, 20)
        .map(({ at, by, decision, upstream, tool }) => `${at}  ${by}: ${outcome(decision, nameOf(upstream, tool))}`),
    );
  return `${lines.join('\n')}\n`;
}

function whyOf(why: ApprovalWaiting['why'], name: string): string {
  switch (why) {
    case 'new':
      return t`${name} is new`;
    case 'changed':
      return t`${name} has changed since it was approved`;
    case 'flagged':
      return t`${name} was flagged by the scanner`;
    case 'rejected':
      return t`${name} was rejected`;
  }
}

function outcome(decision: ApprovalMade['decision'], name: string): string {
  return decision === 'approved' ? t`approved ${name}` : t`rejected ${name}`;
}

function linesOf({ upstream, tool, why, by, starts = {}, diff, findings = [] }: ApprovalWaiting, whole: boolean) {
  const asked = by === undefined ? '' : t` (asked for by ${by})`;
  const { command, url } = starts;
  const shown = whole ? diff.flatMap(differenceLines) : diff.slice(0, 3).map(({ path }) => `    ${path}`);
  return [
    `${whyOf(why, nameOf(upstream, tool))}${asked}`,
    ...(command === undefined ? [] : [`    ${t`starts: ${command}`}`]),
    ...(url === undefined ? [] : [`    ${t`dials: ${url}`}`]),
    ...findings.map(({ place, says, excerpt }) => `    ! ${place} ${said(says)}: ${excerpt}`),
    ...shown,
    ...(!whole && diff.length > 3 ? [`    ${t`and ${diff.length - 3} more: holdfast approvals ${upstream}`}`] : []),
  ];
}

function differenceLines({ path, from, to }: ApprovalDifference): string[] {
  const side = (sign: string, text: string | null) =>
    text === null ? [] : text.split('\n').map((line) => `      ${sign} ${line}`);
  return [`    ${path}`, ...side('-', from), ...side('+', to)];
}

function nameOf(upstream: string, tool: string | undefined): string {
  return tool === undefined ? upstream : `${upstream}/${tool}`;
}

/** Approves or rejects what stands there at this moment; prints what that was. */
export async function decide(
  verb: 'approve' | 'reject',
  upstream: string,
  tools: readonly string[],
  options: RemoteOptions & { fingerprint?: string[] },
): Promise<number> {
  const body = {
    ...(tools.length > 0 && { tools }),
    ...(options.fingerprint !== undefined && { fingerprints: options.fingerprint }),
  };
  const answer = await callApi(findRemote(options), 'POST', `/approvals/${encodeURIComponent(upstream)}/${verb}`, body);
  if (options.json) process.stdout.write(`${JSON.stringify(answer)}\n`);
  else
    for (const { tool } of answer.decided as { tool?: string }[])
      process.stdout.write(`${outcome(verb === 'approve' ? 'approved' : 'rejected', nameOf(upstream, tool))}\n`);
  return EXIT.ok;
}
