import type { CallContext, Task } from './call-context.ts';
import { DeadlineExceededError } from './errors.ts';
import type { Gate, WaitingGate } from './gate.ts';
import { judged, leaveGates, leaveWell, outcomeOf, type Gates, type Settled } from './outcome.ts';
import { isThenable } from './thenable.ts';
import { warn } from './warn.ts';

/** The ticket of a gate that was left before its call ended. */
const LEFT = Number.NaN;

/**
 * One call whose caller may be answered before its work ends: by its signal, its deadline, or a policy
 * that gives it up. It settles exactly once; every gate that let it in is left exactly once.
 */
export class ManagedCall<T> {
  readonly promise: Promise<T>;
  readonly #chain: Gates;
  readonly #task: Task<T>;
  readonly #context: CallContext;
  /** Whether the context was made for this call, and so is to be closed with it. */
  readonly #ownsContext: boolean;
  readonly #record: Float64Array;
  #entered = 0;
  #answered = false;
  #onAbort: ((reason: unknown) => void) | undefined;
  #resolve!: (value: T) => void;
  #reject!: (error: unknown) => void;

  constructor(chain: Gates, task: Task<T>, context: CallContext, ownsContext: boolean) {
    this.#chain = chain;
    this.#task = task;
    this.#context = context;
    this.#ownsContext = ownsContext;
    this.#record = new Float64Array(chain.gates.length + 1);
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  start(): Promise<T> {
    try {
      this.#enter();
    } catch (mistake) {
      this.#refuse(mistake);
    }
    return this.promise;
  }

  /** Takes over a call that has entered the first `entered` gates, and must wait at the next one. */
  waitAt(record: Float64Array, entered: number): Promise<T> {
    this.#record.set(record);
    this.#entered = entered;
    try {
      this.#wait(this.#chain.gates[this.#entered] as WaitingGate);
    } catch (mistake) {
      this.#refuse(mistake);
    }
    return this.promise;
  }

  #enter(): void {
    const { gates, clock } = this.#chain;
    const context = this.#context;
    const nowMs = clock.nowMs();
    this.#record[gates.length] = nowMs;
    if (context.aborted) return this.#refuse(context.reason);
    if (context.deadlineAtMs <= nowMs) return this.#refuse(this.#tooLate());
    while (this.#entered < gates.length) {
      const gate = gates[this.#entered] as Gate;
      const verdict = gate.enter(nowMs, 1, context);
      if (Number.isNaN(verdict)) return this.#wait(gate as WaitingGate);
      if (verdict > 0) return this.#refuse(gate.refuse(verdict));
      this.#record[this.#entered++] = verdict;
    }
    // A gate's listener may have ended the call meanwhile.
    if (context.aborted) return this.#refuse(context.reason);
    this.#run();
  }

  #wait(gate: WaitingGate): void {
    gate.wait(this.#context).then(
      (ticket) => this.#admit(ticket),
      (error: unknown) => this.#refuse(error),
    );
  }

  #admit(ticket: number): void {
    this.#record[this.#entered++] = ticket;
    try {
      this.#enter();
    } catch (mistake) {
      this.#refuse(mistake);
    }
  }

  #run(): void {
    const end = (reason: unknown): void => this.#answerEarly(reason);
    this.#onAbort = end;
    this.#context.onAbort(end);
    const task = this.#task;
    let result;
    try {
      result = task(this.#context);
      if (isThenable(result)) return this.#follow(Promise.resolve(result));
    } catch (error) {
      this.#fail(error);
      return this.#reject(error);
    }
    this.#resolve(this.#succeed(result));
  }

  /** A second `then`, of the promise's own functions: by them an error's stack finds its async caller. */
  #follow(work: Promise<T>): void {
    const left = work.then(
      (value) => this.#succeed(value),
      (error: unknown) => {
        this.#fail(error);
        throw error;
      },
    );
    left.then(this.#resolve, this.#reject);
  }

  #succeed(value: T): T {
    if (this.#answered) this.#leaveLate({ standard: 'success', value });
    else {
      leaveWell(this.#chain, this.#record, value);
      this.#close();
    }
    return value;
  }

  #fail(error: unknown): void {
    this.#leave({ standard: outcomeOf(error, this.#context, this.#ranMs()), error });
  }

  /** The call never began: nothing behind the gates was asked, so nothing is counted against it. */
  #refuse(error: unknown): void {
    leaveGates(this.#chain, this.#record, this.#entered, undefined);
    this.#close();
    this.#reject(error);
  }

  /** Aborted while the work is under way. Gates that hold places until the work ends keep theirs. */
  #answerEarly(reason: unknown): void {
    this.#answered = true;
    const settled = { standard: outcomeOf(reason, this.#context, this.#ranMs()), error: reason };
    this.#eachGate((gate, i, nowMs, durationMs) => {
      const ticket = this.#record[i] as number;
      const outcome = judged(gate, settled);
      const kept = gate.overdue?.(ticket, nowMs, outcome) ?? LEFT;
      this.#record[i] = kept;
      if (Number.isNaN(kept)) gate.exit(ticket, outcome, nowMs, durationMs);
    });
    this.#close();
    this.#reject(reason);
  }

  #leave(settled: Settled): void {
    if (this.#answered) return this.#leaveLate(settled);
    leaveGates(this.#chain, this.#record, this.#entered, settled);
    this.#close();
  }

  /** The work has ended, after its caller had been answered. */
  #leaveLate(settled: Settled): void {
    this.#eachGate((gate, i, nowMs, durationMs) => {
      const ticket = this.#record[i] as number;
      if (!Number.isNaN(ticket)) gate.exit(ticket, judged(gate, settled), nowMs, durationMs);
    });
  }

  #eachGate(visit: (gate: Gate, i: number, nowMs: number, durationMs: number) => void): void {
    const { gates, clock } = this.#chain;
    const nowMs = clock.nowMs();
    const durationMs = nowMs - (this.#record[gates.length] as number);
    for (let i = this.#entered - 1; i >= 0; i--) {
      try {
        visit(gates[i] as Gate, i, nowMs, durationMs);
      } catch (mistake) {
        warn(mistake);
      }
    }
  }

  /** How long the work has run. The clock is read only for a call that was ended early. */
  #ranMs(): number {
    if (!this.#context.aborted) return Number.NaN;
    return this.#chain.clock.nowMs() - (this.#record[this.#chain.gates.length] as number);
  }

  #close(): void {
    if (this.#onAbort) this.#context.offAbort(this.#onAbort);
    if (this.#ownsContext) this.#context.close();
  }

  #tooLate(): DeadlineExceededError {
    const { name } = this.#chain;
    return new DeadlineExceededError(name, `${name}: the deadline passed before the work began`);
  }
}
