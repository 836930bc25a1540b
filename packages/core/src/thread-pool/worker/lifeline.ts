import { Worker } from 'node:worker_threads';
import { PROCESS_SLOTS } from '../shared/process-protocol.ts';
import type { Cancellations } from './slot-context.ts';

/** The file that the thread runs lies beside this one, in the form in which this one is. */
const ENTRY = new URL(
  import.meta.url.endsWith('.ts') ? './lifeline-entry.ts' : './lifeline-entry.js',
  import.meta.url,
);

/**
 * What a process hears of its pool even while a job holds its event loop: a thread listens on a pipe, notes
 * in shared memory which calls have been ended, and ends the process when the pool's process is gone.
 */
export class Lifeline implements Cancellations {
  /** For each slot the number of the task that was ended last. */
  readonly #ended = new Int32Array(new SharedArrayBuffer(4 * PROCESS_SLOTS));

  /** @param onEnded is told the numbers of tasks whose calls were ended, once the event loop is free */
  constructor(onEnded: (number: number) => void) {
    const thread = new Worker(ENTRY, { workerData: this.#ended.buffer });
    thread.on('message', onEnded);
    thread.unref();
  }

  /** Before a task begins: its slot may hold an old number, which would be its own after millions of tasks. */
  begin(number: number): void {
    const at = number % PROCESS_SLOTS;
    const old = Atomics.load(this.#ended, at);
    if (old !== number) Atomics.compareExchange(this.#ended, at, old, 0);
  }

  isCancelled(number: number): boolean {
    return Atomics.load(this.#ended, number % PROCESS_SLOTS) === number;
  }
}
