// What runs the custom tools: one handler for each kind, and what the handlers of one upstream share.
import { AsyncLocalStorage } from 'node:async_hooks';
import { resolve } from 'node:path';
import type { CustomTool } from '../config/schema-custom.ts';
import { GatewayFault } from '../core/fault.ts';
import { chainHandler, mcpHandler } from './chain.ts';
import { HttpClients } from './exchange.ts';
import { functionHandler } from './function.ts';
import { httpHandler } from './http.ts';
import type { CustomUpstreamSetup } from './index.ts';
import { proxyHandler } from './proxy.ts';
import type { Handler } from './run.ts';
import { scriptHandler } from './script.ts';
import { CUSTOM } from './upstream.ts';

export interface Handlers {
  handlerOf(tool: CustomTool): Handler;
  /** Resolves when no connection is open and no process runs. */
  close(): Promise<void>;
}

export function createHandlers(setup: CustomUpstreamSetup): Handlers {
  const { dispatch, fetchGuard, startChild, directory = '.' } = setup;
  const clients = new HttpClients(CUSTOM, fetchGuard);
  const ending = new Set<Promise<unknown>>();
  const below = { dispatch, depth: new AsyncLocalStorage<number>() };
  return {
    handlerOf({ handler }) {
      switch (handler.type) {
        case 'http':
          return httpHandler(handler, clients);
        case 'proxy':
          return proxyHandler(handler, setup.platforms, clients);
        case 'mcp':
          return mcpHandler(handler, below);
        case 'chain':
          return chainHandler(handler, below);
        case 'script': {
          const file = resolve(directory, handler.script);
          return startChild === undefined ? refuseScripts : scriptHandler(handler, { start: startChild, file, ending });
        }
        case 'function':
          return functionHandler(handler, resolve(directory, handler.module));
      }
    },
    async close() {
      await Promise.all([clients.close(), ...ending]);
    },
  };
}

const refuseScripts: Handler = ({ tool }) =>
  Promise.reject(new GatewayFault('UPSTREAM_START_FAILED', `no program can be started here for "${tool.name}"`));
