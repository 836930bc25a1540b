import { CallContext, plainContext } from './call-context.ts';
import type { ExecuteOptions, Task, TaskContext } from './call-context.ts';
import type { Clock } from './clock.ts';
import { InvalidOptionsError } from './errors.ts';
import type { Gate } from './gate.ts';
import { ManagedCall } from './managed-call.ts';
import { shown } from './options.ts';
import { leaveGates, leaveWell, outcomeOf, type Gates, type Settled } from './outcome.ts';
import { isThenable } from './thenable.ts';

/** Finished slots kept for reuse; a burst above it is left to the garbage collector. */
const KEPT_SLOTS = 1024;

/**
 * Gates in a row, outermost first, driven by one async hop: whether a call goes through one policy or
 * five, it awaits once. This is the only place where gates meet promises.
 *
 * A call that nothing can end early takes the direct way: its state lives in a slot whose handlers
 * are made once and serve one call after the other, so that it allocates the promise and little else.
 * A call with a signal or a deadline, or one that must wait, is a {@link ManagedCall}.
 */
export class GateChain implements Gates {
  readonly name: string;
  readonly clock: Clock;
  readonly gates: readonly Gate[];
  // What a getter would be asked for by every call is asked for once, where a field says that it is fixed.
  readonly timesExit: boolean;
  readonly judges: readonly boolean[];
  readonly #timesEntry: boolean;
  readonly #free: Slot[] = [];

  constructor(name: string, gates: readonly Gate[], clock: Clock) {
    this.name = name;
    this.gates = gates;
    this.clock = clock;
    this.#timesEntry = gates.some((gate) => isField(gate, 'timed') && gate.timed);
    this.timesExit = gates.some((gate) =>
      'timedExit' in gate
        ? isField(gate, 'timedExit') && gate.timedExit
        : isField(gate, 'timed') && gate.timed,
    );
    this.judges = gates.map((gate) => 'classify' in gate);
  }

  /** Runs `task` behind the gates. Never throws: refusals and misuse, too, arrive as rejections. */
  execute<T>(task: Task<T>, options?: ExecuteOptions): Promise<T> {
    if (typeof task !== 'function') return this.#refuseTask(task);
    if (options === undefined || options === plainContext) return this.#direct(task, plainContext);
    try {
      if (
        options instanceof CallContext ||
        options.signal !== undefined ||
        options.deadlineMs !== undefined
      ) {
        return this.manage(task, options);
      }
      return this.#direct(task, new CallContext(this.clock, options), options);
    } catch (mistake) {
      return Promise.reject(mistake);
    }
  }

  /** As `execute`, but the call can always be ended early, by the gates too. */
  manage<T>(task: Task<T>, options?: ExecuteOptions): Promise<T> {
    if (typeof task !== 'function') return this.#refuseTask(task);
    if (options instanceof CallContext) return new ManagedCall(this, task, options, false).start();
    try {
      return new ManagedCall(this, task, new CallContext(this.clock, options), true).start();
    } catch (mistake) {
      return Promise.reject(mistake);
    }
  }

  #direct<T>(task: Task<T>, context: TaskContext, options?: ExecuteOptions): Promise<T> {
    const slot = this.#free.pop() ?? new Slot(this, this.#free);
    const { record } = slot;
    const { gates } = this;
    let entered = 0;
    let nowMs = this.#timesEntry ? this.clock.nowMs() : Number.NaN;
    record[gates.length] = nowMs;
    try {
      for (; entered < gates.length; entered++) {
        const gate = gates[entered] as Gate;
        if (Number.isNaN(nowMs) && gate.timed) record[gates.length] = nowMs = this.clock.nowMs();
        const verdict = gate.enter(nowMs, 1, options);
        if (verdict > 0) return this.#withdraw(slot, entered, gate.refuse(verdict));
        if (Number.isNaN(verdict)) return this.#waitAt(slot, entered, task, context);
        record[entered] = verdict;
      }
    } catch (mistake) {
      return this.#withdraw(slot, entered, mistake);
    }
    return slot.run(task, context);
  }

  /** The gate after the first `entered` has the call wait. */
  #waitAt<T>(slot: Slot, entered: number, task: Task<T>, context: TaskContext): Promise<T> {
    const own = context instanceof CallContext ? context : new CallContext(this.clock);
    const promise = new ManagedCall(this, task, own, true).waitAt(slot.record, entered);
    slot.release();
    return promise;
  }

  #refuseTask(task: unknown): Promise<never> {
    const problem = { option: 'task', expected: 'a function', got: shown(task) };
    return Promise.reject(new InvalidOptionsError(this.name, [problem]));
  }

  #withdraw(slot: Slot, entered: number, error: unknown): Promise<never> {
    leaveGates(this, slot.record, entered, undefined);
    slot.release();
    return Promise.reject(error);
  }
}

/** Whether it is a field of the gate itself, and no getter that may change its mind. */
function isField(gate: Gate, name: 'timed' | 'timedExit'): boolean {
  return (
    Object.getOwnPropertyDescriptor(gate, name)?.get === undefined && Object.hasOwn(gate, name)
  );
}

/** The state of one direct call at a time: its tickets, then the time of entry. */
class Slot {
  readonly record: Float64Array;
  readonly #chain: Gates;
  readonly #free: Slot[];
  readonly #succeed: <T>(value: T) => T;
  readonly #fail: (error: unknown) => never;

  constructor(chain: Gates, free: Slot[]) {
    this.#chain = chain;
    this.#free = free;
    this.record = new Float64Array(chain.gates.length + 1);
    this.#succeed = (value) => {
      leaveWell(chain, this.record, value);
      this.release();
      return value;
    };
    this.#fail = (error) => {
      this.#leave({ standard: outcomeOf(error), error });
      throw error;
    };
  }

  run<T>(task: Task<T>, context: TaskContext): Promise<T> {
    let result;
    try {
      result = task(context);
      // As `await` does it: whatever a foreign thenable does, the handlers are called once, and later.
      if (isThenable(result)) return Promise.resolve(result).then(this.#succeed<T>, this.#fail);
    } catch (error) {
      this.#leave({ standard: outcomeOf(error), error });
      return Promise.reject(error);
    }
    return Promise.resolve(this.#succeed(result));
  }

  release(): void {
    if (this.#free.length < KEPT_SLOTS) this.#free.push(this);
  }

  #leave(settled: Settled): void {
    leaveGates(this.#chain, this.record, this.#chain.gates.length, settled);
    this.release();
  }
}
