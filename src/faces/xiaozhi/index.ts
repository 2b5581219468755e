// The Xiaozhi face, as the composition root sees it.
export type { EndpointStatus } from './endpoint.ts';
export { type XiaozhiDeps, XiaozhiFace } from './endpoint-manager.ts';
