// Makes the upstream `custom` of the tools in a configuration.
import { AsyncLocalStorage } from 'node:async_hooks';
import { resolve } from 'node:path';
import type { CustomTool, CustomToolsConfig } from '../config/schema-custom.ts';
import type { EventStream } from '../core/events.ts';
import { GatewayFault } from '../core/fault.ts';
import type { Upstream } from '../core/upstream.ts';
import type { Dispatch } from '../dispatch/dispatch.ts';
import { chainHandler, mcpHandler } from './chain.ts';
import { type FetchGuard, HttpClients } from './exchange.ts';
import { functionHandler } from './function.ts';
import { httpHandler } from './http.ts';
import { proxyHandler } from './proxy.ts';
import type { Handler, Log } from './run.ts';
import { type StartChild, scriptHandler } from './script.ts';
import { CUSTOM, CustomUpstream, type ReadyTool } from './upstream.ts';

export type { FetchGuard } from './exchange.ts';
export type { ScriptChild, ScriptStart, StartChild } from './script.ts';
export { CUSTOM } from './upstream.ts';

export interface CustomUpstreamSetup extends CustomToolsConfig {
  /** For mcp and chain; below whatever asks clients questions, which then happens once, around the custom tool. */
  dispatch: Dispatch;
  events: EventStream;
  /** Where relative paths begin; those of a loaded configuration are absolute. */
  directory?: string | undefined;
  /** Starts the programs of scripts; without it a script is refused when it is called. */
  startChild?: StartChild | undefined;
  /** Looks at every URL before it is asked. */
  fetchGuard?: FetchGuard | undefined;
}

/**
 * The configured tools as one upstream, ready at once. The configuration was checked (config/custom-rules.ts); what is
 * not allowed is refused here once more, whoever made the setup.
 * @throws GatewayFault UPSTREAM_START_FAILED for a script or function that is not switched on
 */
export function createCustomUpstream(setup: CustomUpstreamSetup): Upstream {
  const { events, dispatch, fetchGuard } = setup;
  const log: Log = (level, text, data) =>
    events.emit({ type: 'log', level, text, upstream: CUSTOM, ...(data !== undefined && { data }) });
  const clients = new HttpClients(CUSTOM, fetchGuard);
  const ending = new Set<Promise<unknown>>();
  const below = { dispatch, depth: new AsyncLocalStorage<number>() };
  const ready = (tool: CustomTool): ReadyTool => {
    const { handler } = tool;
    switch (handler.type) {
      case 'http':
        return { tool, handle: httpHandler(handler, clients), timeout: handler.timeout, weight: 'light' };
      case 'proxy': {
        const handle = proxyHandler(handler, setup.platforms, clients);
        return { tool, handle, timeout: handler.config.timeout, weight: 'light' };
      }
      case 'mcp':
        return { tool, handle: mcpHandler(handler, below), timeout: undefined, weight: 'none' };
      case 'chain':
        return { tool, handle: chainHandler(handler, below), timeout: handler.timeout, weight: 'none' };
      case 'script': {
        refuseUnlessAllowed(setup, tool);
        const file = resolve(setup.directory ?? '.', handler.script);
        const { startChild: start } = setup;
        const handle = start === undefined ? refuseScripts : scriptHandler(handler, { start, file, ending });
        return { tool, handle, timeout: handler.timeout, weight: 'heavy' };
      }
      case 'function': {
        refuseUnlessAllowed(setup, tool);
        const handle = functionHandler(handler, resolve(setup.directory ?? '.', handler.module));
        return { tool, handle, timeout: handler.timeout, weight: 'heavy' };
      }
    }
  };
  const close = async (): Promise<void> => {
    await Promise.all([clients.close(), ...ending]);
  };
  return new CustomUpstream({ tools: setup.tools.map(ready), events, log, close });
}

function refuseUnlessAllowed({ allow }: CustomToolsConfig, { name, handler }: CustomTool): void {
  if ((allow as readonly string[]).includes(handler.type)) return;
  const text = `custom tool "${name}" is a ${handler.type}, and customTools.allow does not name that`;
  throw new GatewayFault('UPSTREAM_START_FAILED', text, { upstream: CUSTOM, data: { permanent: true } });
}

const refuseScripts: Handler = ({ tool }) =>
  Promise.reject(new GatewayFault('UPSTREAM_START_FAILED', `no program can be started here for "${tool.name}"`));
