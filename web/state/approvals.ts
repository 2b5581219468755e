// What waits for somebody's approval: counted in the menu and on the overview, decided on its page (10.21).
import { effect, signal } from '@preact/signals';
import { ApiError, api } from '../api/client.ts';
import type { Approvals } from '../api/types.ts';
import { revisions } from './live.ts';
import { isAdmin } from './session.ts';

export const approvals = signal<Approvals | undefined>(undefined);
export const approvalsProblem = signal<ApiError | undefined>(undefined);
let asking = 0;

export async function refreshApprovals(): Promise<void> {
  const mine = ++asking;
  try {
    const found = await api.get<Approvals>('/approvals');
    if (mine !== asking) return;
    approvals.value = found;
    approvalsProblem.value = undefined;
  } catch (error) {
    if (mine === asking && error instanceof ApiError) approvalsProblem.value = error;
  }
}

/** How many things nobody has said yes or no to. */
export function undecided(): number {
  return approvals.value?.waiting.filter(({ why }) => why !== 'rejected').length ?? 0;
}

/** Keeps it new while an admin is logged in. */
export function followApprovals(): void {
  let soon: ReturnType<typeof setTimeout> | undefined;
  effect(() => {
    revisions.approvals.value;
    clearTimeout(soon);
    if (isAdmin.value) soon = setTimeout(refreshApprovals, 100);
    else approvals.value = undefined;
  });
}
