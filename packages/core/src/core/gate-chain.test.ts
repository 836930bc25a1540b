import { afterEach, expect, test, vi } from 'vitest';
import type { CallContext, Task } from './call-context.ts';
import { InvalidOptionsError, ShedError, TimeoutError } from './errors.ts';
import { systemClock } from './clock.ts';
import { GateChain } from './gate-chain.ts';
import { MUST_WAIT, type Classify, type Gate, type Outcome, type WaitingGate } from './gate.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** A clock that counts how often it is read. */
class CountingClock {
  reads = 0;
  now = 0;

  nowMs(): number {
    this.reads++;
    return this.now;
  }

  wallTimeMs(): number {
    return this.now;
  }

  schedule(): () => void {
    return () => undefined;
  }
}

interface Exit {
  readonly ticket: number;
  readonly outcome: Outcome;
  readonly nowMs: number;
  readonly durationMs: number;
}

/** Lets every call in, and remembers how each left. */
class OpenGate implements Gate {
  timed = false;
  classify: Classify | undefined;
  readonly exits: Exit[] = [];
  readonly enteredAtMs: number[] = [];

  enter(nowMs: number): number {
    this.enteredAtMs.push(nowMs);
    return 1 - this.enteredAtMs.length;
  }

  exit(ticket: number, outcome: Outcome, nowMs: number, durationMs: number): void {
    this.exits.push({ ticket, outcome, nowMs, durationMs });
  }

  refuse(): ShedError {
    return new ShedError('gate', 'no', 1);
  }
}

function setUp(count = 1) {
  const clock = new CountingClock();
  const gates = Array.from({ length: count }, () => new OpenGate());
  return { clock, gates, chain: new GateChain('chain', gates, clock) };
}

const outcomesOf = (gate: OpenGate | undefined): Outcome[] =>
  (gate?.exits ?? []).map(({ outcome }) => outcome);

/** The functions of the stack, outermost last. */
const framesOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? '').replaceAll(/\(.*?\)/g, '') : '';

test('gates that do not use the time cost no clock read while calls go well', async () => {
  const { clock, gates, chain } = setUp(3);
  for (let call = 0; call < 5; call++) await chain.execute(async () => call);
  await chain.execute(() => 'at once');
  expect(clock.reads).toBe(0);
  expect(gates[0]?.exits[0]).toEqual({
    ticket: 0,
    outcome: 'success',
    nowMs: Number.NaN,
    durationMs: Number.NaN,
  });
});

test('one timed gate costs two clock reads a call, however many gates there are', async () => {
  const { clock, gates, chain } = setUp(4);
  const timed = gates[1] as OpenGate;
  timed.timed = true;
  clock.now = 100;
  await chain.execute(async () => {
    clock.now = 130;
  });
  expect(clock.reads).toBe(2);
  expect(timed.enteredAtMs).toEqual([100]);
  expect(timed.exits[0]).toMatchObject({ nowMs: 130, durationMs: 30 });
});

test('a failure is timed, also for a gate that does not ask for the time', async () => {
  const { clock, gates, chain } = setUp(2);
  clock.now = 7;
  await expect(chain.execute(() => Promise.reject(new Error('boom')))).rejects.toThrow('boom');
  expect(clock.reads).toBe(1);
  expect(gates[1]?.exits).toMatchObject([{ outcome: 'failure', nowMs: 7, durationMs: Number.NaN }]);
});

test('what goes wrong arrives as a rejection, never as a throw', async () => {
  const { chain } = setUp();
  const wrong: (() => Promise<unknown>)[] = [
    () => chain.execute(undefined as never),
    () => chain.execute(() => 1, null as never),
    () => chain.execute(() => 1, { priority: Number.NaN }),
    () => chain.execute(() => 1, { deadlineMs: 'soon' } as never),
    () => chain.execute(() => 1, { signal: 'stop' } as never),
    () => chain.manage(() => 1, { priority: Number.NaN }),
    () => chain.manage(() => 1, null as never),
    () => chain.manage(undefined as never),
  ];
  for (const call of wrong) {
    const promise = call();
    await expect(promise).rejects.toBeInstanceOf(Error);
  }
  await expect(chain.execute(() => 1, { priority: Number.NaN })).rejects.toThrow(
    InvalidOptionsError,
  );
});

test('misuse that is found before the gates leaves them alone', async () => {
  const { gates, chain } = setUp();
  await expect(chain.execute(() => 1, { priority: Number.NaN })).rejects.toThrow('priority');
  await expect(chain.execute(() => 1, { deadlineMs: Number.NaN })).rejects.toThrow('deadlineMs');
  expect(gates[0]?.enteredAtMs).toEqual([]);
});

test('a thenable whose then throws is a call that failed', async () => {
  for (const options of [undefined, { signal: new AbortController().signal }]) {
    const { gates, chain } = setUp();
    const bad = {
      // oxlint-disable-next-line unicorn/no-thenable -- To be a bad one is the point.
      get then(): never {
        throw new Error('bad then');
      },
    };
    await expect(chain.execute(() => bad, options)).rejects.toThrow('bad then');
    expect(outcomesOf(gates[0])).toEqual(['failure']);
  }
});

test('a promise of a foreign kind that calls back twice is settled once', async () => {
  class Doubling<T> extends Promise<T> {
    // oxlint-disable-next-line unicorn/no-thenable -- To be a bad one is the point.
    override then(...handlers: Parameters<Promise<T>['then']>): never {
      void super.then(...handlers);
      return super.then(...handlers) as never;
    }
  }
  const { gates, chain } = setUp();
  await expect(chain.execute(() => Doubling.resolve('value'))).resolves.toBe('value');
  expect(outcomesOf(gates[0])).toEqual(['success']);
});

test('a task gets its context and no this', async () => {
  const { chain } = setUp();
  const seen: unknown[] = [];
  function task(this: unknown): void {
    seen.push(this);
  }
  await chain.execute(task);
  await chain.manage(task);
  expect(seen).toEqual([undefined, undefined]);
});

test('calls that overlap keep their tickets apart, and finished slots are used again', async () => {
  const { gates, chain } = setUp();
  const [gate] = gates as [OpenGate];
  for (let round = 0; round < 3; round++) {
    const finish: (() => void)[] = [];
    const calls = Array.from({ length: 50 }, (_, call) =>
      chain.execute(() => new Promise<number>((resolve) => finish.push(() => resolve(call)))),
    );
    for (const done of finish.toReversed()) done();
    await expect(Promise.all(calls)).resolves.toEqual(calls.map((_, call) => call));
  }
  const tickets = gate.exits.map(({ ticket }) => ticket);
  expect(new Set(tickets).size).toBe(150);
  expect(tickets.slice(0, 50)).toEqual(Array.from({ length: 50 }, (_, i) => i - 49));
});

test('a task that calls the same chain again has a slot of its own', async () => {
  const { gates, chain } = setUp();
  const nested: Task<number> = async () => 1 + (await chain.execute(async () => 1));
  await expect(chain.execute(nested)).resolves.toBe(2);
  await expect(chain.execute(() => chain.execute(() => 3))).resolves.toBe(3);
  const tickets = gates[0]?.exits.map(({ ticket }) => ticket) ?? [];
  expect(tickets.toSorted((a, b) => b - a)).toEqual([-0, -1, -2, -3].map((ticket) => ticket + 0));
});

test("a gate's own judgement is told error, value and the standard judgement", async () => {
  const { gates, chain } = setUp();
  const heard: unknown[] = [];
  const [gate] = gates as [OpenGate];
  gate.classify = (error, value, standard) => {
    heard.push([error, value, standard]);
    return value === 503 ? 'failure' : standard;
  };
  const boom = new Error('boom');
  const refusal = new ShedError('inner', 'no');
  await chain.execute(() => 200);
  await chain.execute(async () => 503);
  await chain.execute(() => Promise.reject(boom)).catch(() => undefined);
  await chain.execute(() => Promise.reject(refusal)).catch(() => undefined);
  expect(heard).toEqual([
    [undefined, 200, 'success'],
    [undefined, 503, 'success'],
    [boom, undefined, 'failure'],
    [refusal, undefined, 'ignored'],
  ]);
  expect(outcomesOf(gate)).toEqual(['success', 'failure', 'failure', 'ignored']);
});

test('a judgement that throws is reported, and the standard one stands', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  const { gates, chain } = setUp();
  const [gate] = gates as [OpenGate];
  const mistake = new Error('my mistake');
  gate.classify = () => {
    throw mistake;
  };
  await expect(chain.execute(() => 'value')).resolves.toBe('value');
  await expect(chain.execute(() => Promise.reject(new Error('boom')))).rejects.toThrow('boom');
  expect(outcomesOf(gate)).toEqual(['success', 'failure']);
  expect(warned.mock.calls).toEqual([[mistake], [mistake]]);
});

test('a gate whose exit throws is reported, and neither the caller nor the gates further out wait for it', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  const mistake = new Error('my mistake');
  for (const options of [undefined, { signal: new AbortController().signal }]) {
    const { gates, chain } = setUp(2);
    vi.spyOn(gates[1] as OpenGate, 'exit').mockImplementation(() => {
      throw mistake;
    });
    await expect(chain.execute(() => 'now', options)).resolves.toBe('now');
    await expect(chain.execute(async () => 'soon', options)).resolves.toBe('soon');
    await expect(chain.execute(() => Promise.reject(new Error('boom')), options)).rejects.toThrow(
      'boom',
    );
    expect(outcomesOf(gates[0])).toEqual(['success', 'success', 'failure']);
  }
  expect(warned.mock.calls).toEqual(Array.from({ length: 6 }, () => [mistake]));
});

test('a timeout from further in is a failure, a refusal from further in is none', async () => {
  const { gates, chain } = setUp();
  const errors = [new TimeoutError('db', 'slow', { timeoutMs: 50 }), new ShedError('db', 'no')];
  for (const error of errors) {
    await expect(chain.execute(() => Promise.reject(error))).rejects.toBe(error);
    await expect(
      chain.execute(() => {
        throw error;
      }),
    ).rejects.toBe(error);
  }
  expect(outcomesOf(gates[0])).toEqual(['failure', 'failure', 'ignored', 'ignored']);
});

/** Has every call wait, and lets it in when it is told to. */
class QueueGate extends OpenGate implements WaitingGate {
  readonly contexts: CallContext[] = [];
  admit: (ticket: number) => void = () => undefined;

  override enter(): number {
    return MUST_WAIT;
  }

  wait(context: CallContext): Promise<number> {
    this.contexts.push(context);
    return new Promise((resolve) => {
      this.admit = resolve;
    });
  }
}

test('a call without options can wait, and carries its options along', async () => {
  const gate = new QueueGate();
  const chain = new GateChain('chain', [gate], new CountingClock());
  const plain = chain.execute(() => 'plain');
  gate.admit(-4);
  await expect(plain).resolves.toBe('plain');
  const named = chain.execute(({ key, priority }) => `${key} ${priority}`, {
    key: 'acme',
    priority: 2,
  });
  gate.admit(-5);
  await expect(named).resolves.toBe('acme 2');
  expect(gate.contexts.map(({ key }) => key)).toEqual([undefined, 'acme']);
  expect(gate.exits.map(({ ticket }) => ticket)).toEqual([-4, -5]);
});

test('a call that waited and was refused has been in the gates before for as long as it waited', async () => {
  const clock = new CountingClock();
  const outer = new OpenGate();
  outer.timed = true;
  const queue = new QueueGate();
  vi.spyOn(queue, 'wait').mockImplementation(async () => {
    clock.now += 25;
    throw new ShedError('queue', 'no');
  });
  clock.now = 1000;
  await expect(new GateChain('chain', [outer, queue], clock).execute(() => 1)).rejects.toThrow(
    ShedError,
  );
  expect(outer.exits).toEqual([{ ticket: 0, outcome: 'ignored', nowMs: 1025, durationMs: 25 }]);
});

test("an error thrown in a task shows the caller's async frames, on the direct way and on the managed", async () => {
  const { chain } = setUp(2);
  const queue = new QueueGate();
  const waiting = new GateChain('chain', [queue], new CountingClock());
  async function failingTask(): Promise<void> {
    await Promise.resolve(); // From here on, no caller is on the real stack.
    throw new Error('boom');
  }
  async function directCaller(): Promise<void> {
    await chain.execute(failingTask);
  }
  async function managedCaller(): Promise<void> {
    await chain.execute(failingTask, { signal: new AbortController().signal });
  }
  async function waitingCaller(): Promise<void> {
    const call = waiting.execute(failingTask);
    queue.admit(0);
    await call;
  }
  for (const caller of [directCaller, managedCaller, waitingCaller]) {
    const error: unknown = await caller().catch((thrown: unknown) => thrown);
    expect(framesOf(error)).toMatch(new RegExp(`at failingTask[^]*at (async )?${caller.name}`));
  }
});

test('what is no task is refused with its place, and counts nowhere', async () => {
  const chain = new GateChain('orders', [], systemClock);
  for (const call of [chain.execute(undefined as never), chain.manage(5 as never)]) {
    await expect(call).rejects.toThrow(/^orders: task must be a function, got (undefined|5)$/);
  }
});

test('an option of a call that does not exist is refused by name', async () => {
  const chain = new GateChain('orders', [], systemClock);
  await expect(chain.execute(() => 1, { timeoutMs: 5 } as never)).rejects.toThrow(
    'execute: timeoutMs must be left out: there is no such option, only signal, deadlineMs, priority, key, got 5',
  );
});
