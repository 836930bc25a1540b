import { Worker } from 'node:worker_threads';
import type { Call, Pool } from '../pool.ts';
import type { JobName } from '../jobs.ts';

const WORKER = new URL('../workers/port.ts', import.meta.url);

/**
 * The least that `postMessage` allows: threads in turn, nothing queued, no errors, no limits.
 * `coalesced`: what is called within one turn of the event loop travels as one message, and its
 * answers as another.
 */
export function portPool(threads: number, coalesced: boolean): Pool {
  const waiting = new Map<unknown, (result: unknown) => void>();
  const lines = Array.from({ length: threads }, () => new Line(waiting, coalesced));
  let calls = 0;
  const caller =
    (job: JobName): Call =>
    (value, transfer) => {
      const id = calls++;
      lines[id % threads]?.send(id, job, value, transfer);
      return new Promise((resolve) => waiting.set(id, resolve));
    };
  return {
    caller,
    close: async () => {
      await Promise.all(lines.map((line) => line.close()));
    },
  };
}

/** One worker and what is on its way to it. */
class Line {
  readonly #worker = new Worker(WORKER);
  readonly #coalesced: boolean;
  #calls: unknown[] = [];
  #transfer: ArrayBuffer[] = [];

  constructor(waiting: Map<unknown, (result: unknown) => void>, coalesced: boolean) {
    this.#coalesced = coalesced;
    this.#worker.on('message', (answers: readonly unknown[]) => {
      for (let i = 0; i < answers.length; i += 2) {
        waiting.get(answers[i])?.(answers[i + 1]);
        waiting.delete(answers[i]);
      }
    });
  }

  send(id: number, job: JobName, value: unknown, transfer: readonly ArrayBuffer[] = []): void {
    if (this.#coalesced && this.#calls.length === 0) setImmediate(() => this.#flush());
    this.#calls.push(id, job, value);
    this.#transfer.push(...transfer);
    if (!this.#coalesced) this.#flush();
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #flush(): void {
    this.#worker.postMessage(this.#calls, this.#transfer);
    this.#calls = [];
    this.#transfer = [];
  }
}
