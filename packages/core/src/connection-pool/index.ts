export type { AcquireOptions } from './acquire-options.ts';
export { ConnectionPool } from './connection-pool.ts';
export type { Lease } from './lease.ts';
export type {
  ConnectionHooks,
  ConnectionLimits,
  ConnectionPoolChanges,
  ConnectionPoolOptions,
} from './options.ts';
export type {
  ConnectionPoolEvents,
  ConnectionPoolStats,
  ConnectionPoolStopResult,
  DestroyReason,
  HookName,
} from './stats.ts';
export { tcpHooks } from './tcp-hooks.ts';
export type { TcpEndpoint } from './tcp-hooks.ts';
export { tcpPool } from './tcp-pool.ts';
export type { TcpPoolOptions } from './tcp-pool.ts';
