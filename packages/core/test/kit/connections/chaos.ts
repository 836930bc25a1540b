import type { Socket } from 'node:net';
import { systemClock, type ConnectionPool } from '../../../src/index.ts';
import type { FaultProxy } from '../../../src/testing/index.ts';
import { ask } from './line-client.ts';

export const FAULTS = [
  'reset',
  'end',
  'half-close',
  'hang',
  'hang one way',
  'refuse',
  'reset new ones',
  'cut',
  'slow',
] as const;

/** A fault that comes after so many calls, and is healed after so many more. */
export interface FaultStep {
  readonly fault: (typeof FAULTS)[number];
  readonly afterCalls: number;
  readonly healAfterCalls: number;
}

/** How long a caller waits for his answer before he gives the connection up, in ms. */
const PATIENCE_MS = 40;

/** Callers on real sockets, each of whom asks for what nobody else asks for, on a network with a script. */
export class Chaos {
  answered = 0;
  failed = 0;
  /** Answers to somebody else's question. */
  wrong = 0;
  #calls = 0;
  #ended = 0;
  readonly #pool: ConnectionPool<Socket>;
  readonly #proxy: FaultProxy;
  readonly #marks: { readonly call: number; readonly act: () => void | Promise<void> }[] = [];

  constructor(pool: ConnectionPool<Socket>, proxy: FaultProxy) {
    this.#pool = pool;
    this.#proxy = proxy;
  }

  get calls(): number {
    return this.#calls;
  }

  /** So many calls by so many callers, and longer if the script is. */
  async run(calls: number, callers: number, script: readonly FaultStep[]): Promise<void> {
    let mark = this.#ended;
    for (const { fault, afterCalls, healAfterCalls } of script) {
      mark += afterCalls;
      this.#marks.push({ call: mark, act: () => this.#inflict(fault) });
      mark += healAfterCalls;
      this.#marks.push({ call: mark, act: () => this.#proxy.heal() });
    }
    const until = this.#calls + calls;
    const caller = async (): Promise<void> => {
      while (this.#calls < until || this.#marks.length > 0) {
        await this.#call(`call ${this.#calls++}`);
        this.#ended++;
        while ((this.#marks[0]?.call ?? Infinity) <= this.#ended) await this.#marks.shift()?.act();
      }
    };
    await Promise.all(Array.from({ length: callers }, caller));
  }

  /** Resolves when a call has been answered; whoever comes before that is not counted. */
  async untilAnswered(): Promise<void> {
    const before = this.answered;
    while (this.answered === before) await this.#call(`probe ${this.#calls++}`);
  }

  async #call(line: string): Promise<void> {
    try {
      const answer = await this.#pool.use((socket) => askWithin(socket, line, PATIENCE_MS));
      if (answer === line) this.answered++;
      else this.wrong++;
    } catch {
      this.failed++;
    }
  }

  #inflict(fault: FaultStep['fault']): void | Promise<void> {
    const proxy = this.#proxy;
    switch (fault) {
      case 'reset':
        return proxy.reset();
      case 'end':
        return proxy.halfClose('both');
      case 'half-close':
        return proxy.halfClose('downstream');
      case 'hang':
        return proxy.hang();
      case 'hang one way':
        return proxy.hang('downstream');
      case 'refuse':
        return proxy.refuse();
      case 'reset new ones':
        return proxy.refuse('reset');
      case 'cut':
        return proxy.set({ cutAfterBytes: 30 }, 'downstream');
      default:
        return proxy.set({ latencyMs: 2, jitterMs: 2, bytesPerSecond: 50_000 });
    }
  }
}

async function askWithin(socket: Socket, line: string, ms: number): Promise<string> {
  const controller = new AbortController();
  const cancel = systemClock.schedule(ms, () => controller.abort(new Error('too slow')));
  try {
    return await ask(socket, line, controller.signal);
  } finally {
    cancel();
  }
}
