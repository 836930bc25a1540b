import type { Architecture } from './source/architecture.ts';

/**
 * The architecture of sluice as a table: which part may know which. `architecture.test.ts` holds
 * every file to it. Change a row together with the reason that stands beside it.
 */
export const architecture: Architecture = {
  maxLinesPerFile: 400,

  // Whoever owns the clock and the dice owns every policy: a test, or the simulator.
  clocks: ['packages/core/src/core/clock.ts'],
  dice: ['packages/core/src/core/random.ts'],

  exceptions: [
    {
      path: 'packages/core/src/thread-pool/codec/intrinsics.ts',
      what: 'Date',
      why: 'makes the dates that arrive, of times that were given; it never asks for the time',
    },
    {
      path: 'packages/core/src/thread-pool/reception.ts',
      what: 'setImmediate',
      why: 'a turn of the event loop, not a time, between stretches of results',
    },
    {
      path: 'packages/core/src/thread-pool/worker/worker-loop.ts',
      what: 'setImmediate',
      why: 'a turn of the event loop of the worker, not a time, before it sleeps',
    },
    {
      path: 'packages/core/src/thread-pool/worker/worker-loop.ts',
      what: 'Atomics.wait',
      why: 'the sleep of a worker that has nothing to do, which ends by itself so that its event loop lives',
    },
    {
      path: 'packages/service/src/load/open-loop.ts',
      what: 'setImmediate',
      why: 'a turn of the event loop, not a time, and only where the caller brings none of its own',
    },
  ],

  // Threads come from one place, so that one place can stop them all.
  builtins: [{ module: 'node:worker_threads', onlyUnder: 'packages/core/src/thread-pool/' }],

  // A worker thread loads what it runs anew each time it starts, so it takes no more than it needs.
  sideDoors: [
    { path: 'packages/core/src/core/clock.ts', why: 'the clock alone, without all of the room' },
    { path: 'packages/core/src/core/thenable.ts', why: 'one question, without all of the room' },
  ],

  packages: {
    'packages/core': {
      imports: [],
      rooms: {
        // The ground floor.
        core: [],
        collections: [],
        // One floor of rooms that do not know each other.
        autoscaler: ['core', 'collections'],
        'circuit-breaker': ['core', 'collections'],
        'connection-pool': ['core', 'collections'],
        fallback: ['core', 'collections'],
        hedge: ['core', 'collections'],
        'job-queue': ['core', 'collections'],
        metrics: ['core', 'collections'],
        'object-pool': ['core'],
        'rate-limiter': ['core', 'collections'],
        retry: ['core', 'collections'],
        timeout: ['core', 'collections'],
        // The pools above their queue.
        'worker-pool': ['core', 'collections', 'job-queue'],
        'thread-pool': ['core', 'collections', 'job-queue'],
        // The test kit has a door of its own; no room stands on it.
        testing: ['core'],
        // The only file that knows them all.
        index: { allBut: ['testing'] },
      },
    },
    'packages/service': {
      imports: ['@sluice/core'],
      rooms: {
        // What a configuration says; not what becomes of it.
        config: [],
        // The load generator measures from outside and knows nothing of what it measures.
        load: [],
        // Calls that go out know nothing of those that come in, and of the configuration only their own settings.
        upstream: ['config'],
        telemetry: ['config'],
        http: ['config', 'telemetry', 'upstream'],
        handlers: ['config', 'http'],
        // The composition root and its neighbours.
        policies: { allBut: ['service', 'cli', 'load', 'index'] },
        routes: { allBut: ['service', 'cli', 'load', 'index'] },
        operations: { allBut: ['service', 'cli', 'load', 'index'] },
        shutdown: { allBut: ['service', 'cli', 'load', 'index'] },
        service: { allBut: ['cli', 'load', 'index'] },
        index: { allBut: ['cli'] },
        cli: { allBut: [] },
      },
    },
    // What a user writes: packages come in by their public doors.
    bench: { imports: ['@sluice/core', '@sluice/core/testing', 'sluice'] },
    examples: { imports: ['@sluice/core', '@sluice/core/testing', 'sluice'] },
  },
};
