// What is remembered of what an upstream offers stays within bounds (10.21).
import { expect, it } from 'vitest';
import { EventStream } from '../core/events.ts';
import type { JsonObject } from '../core/json.ts';
import { NO_LISTS, type UpstreamLists } from '../core/upstream.ts';
import { Approvals } from './approvals.ts';

it('resources that come and go neither fill the memory nor are held; one that changes is (10.21, F-L11)', () => {
  let lists: UpstreamLists = NO_LISTS;
  const approvals = new Approvals({
    documents: { read: () => undefined, save: () => undefined, flush: () => true },
    events: new EventStream(),
    settings: () => ({ approval: 'changed', scanner: false, confirm: 'off', untrusted: [], runners: 'any' }),
    lists: () => lists,
    instructions: () => undefined,
    redact: (text) => text,
    decided: () => undefined,
  });
  const held = (resources: JsonObject[]) => {
    lists = { ...NO_LISTS, revision: lists.revision + 1, resources };
    return [...approvals.heldTools('u', lists)];
  };
  for (let round = 0; round < 5; round++)
    expect(held(Array.from({ length: 5_000 }, (_, n) => ({ uri: `log://${round}/${n}`, size: round })))).toEqual([]);
  expect(held([{ uri: 'log://4/1', size: 9 }])).toEqual([]);
  expect(held([{ uri: 'log://4/1', description: 'other' }])).toEqual([['resource:log://4/1', 'changed']]);
});
