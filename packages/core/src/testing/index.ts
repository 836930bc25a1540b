export { ManualClock, settlePromises } from './manual-clock.ts';
export { FaultProxy } from './network/fault-proxy.ts';
export type { Directions, FaultProxyOptions, FaultProxyTarget } from './network/fault-proxy.ts';
export type { Direction, Faults } from './network/faults.ts';
export { misbehavingServer, refusingServer } from './network/misbehaving-server.ts';
export type { MisbehavingServer, MisbehavingServerOptions } from './network/misbehaving-server.ts';
export * as misbehaviours from './network/misbehaviours.ts';
export type { Peer } from './network/peer.ts';
export { http } from './network/script.ts';
export type { Exchange, Script } from './network/script.ts';
export { rateLimiterConformance } from './rate-limiter-conformance.ts';
export type { ConformanceCase } from './rate-limiter-conformance.ts';
export type {
  ConformanceSettings,
  ConformanceVerb,
  ConformingLimiter,
  RateLimiterSubject,
} from './rate-limiter-subject.ts';
export { SeededRandom } from './seeded-random.ts';
