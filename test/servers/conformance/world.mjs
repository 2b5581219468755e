// What all connections of one server process have in common: how often the lists changed, and who wants to hear of it.
import { EventEmitter } from 'node:events';

export const SERVER_INFO = { name: 'holdfast-conformance-server', version: '1.0.0' };

export const CAPABILITIES = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  completions: {},
  logging: {},
};

export const INSTRUCTIONS = 'Everything the official conformance scenarios ask of a server.';

/** The one mutable thing of this process. Events: `changed` (kind: tools | prompts | resources), `updated` (uri). */
export class World extends EventEmitter {
  changes = { tools: 0, prompts: 0, resources: 0 };

  constructor() {
    super();
    this.setMaxListeners(0);
  }

  /** Alters a list for real, so that whoever compares the bytes sees another list, and says so. @param {'tools' | 'prompts' | 'resources'} kind */
  change(kind) {
    this.changes[kind] += 1;
    this.emit('changed', kind);
  }

  /** @param {string} uri */
  touch(uri) {
    this.emit('updated', uri);
  }
}
