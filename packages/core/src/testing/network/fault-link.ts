import type { Socket } from 'node:net';
import type { Clock, Random } from '../../core/index.ts';
import { FaultPipe } from './fault-pipe.ts';
import type { Direction, Faults } from './faults.ts';
import { closed } from './held-listener.ts';

export interface FaultLinkOptions {
  readonly client: Socket;
  readonly target: Socket;
  readonly clock: Clock;
  readonly random: Random;
  readonly faults: Readonly<Record<Direction, Required<Faults>>>;
  readonly onPassed: (direction: Direction, bytes: number) => void;
  readonly onGone: () => void;
}

/** One connection through the proxy: a client's socket, one to the target, and a pipe each way. */
export class FaultLink {
  readonly #sockets: readonly [client: Socket, target: Socket];
  readonly #pipes: Readonly<Record<Direction, FaultPipe>>;
  readonly #gone: Promise<void>;

  constructor(options: FaultLinkOptions) {
    const { client, target, clock, random, faults } = options;
    this.#sockets = [client, target];
    const pipe = (direction: Direction, source: Socket, sink: Socket): FaultPipe =>
      new FaultPipe({
        source,
        sink,
        clock,
        random,
        faults: faults[direction],
        onPassed: (bytes) => options.onPassed(direction, bytes),
        onCut: (by) => (by === 'reset' ? this.reset() : this.halfClose('both')),
      });
    this.#pipes = {
      upstream: pipe('upstream', client, target),
      downstream: pipe('downstream', target, client),
    };
    this.#gone = Promise.all(this.#sockets.map(closed)).then(options.onGone);
    for (const socket of this.#sockets) {
      // A failed dial, an RST, a write to one who has gone: to the other end it looks like an RST.
      socket.on('error', () => this.reset());
    }
  }

  update(direction: Direction, faults: Required<Faults>): void {
    this.#pipes[direction].update(faults);
  }

  reset(): void {
    this.#stopPipes();
    for (const socket of this.#sockets) {
      if (!socket.destroyed) socket.resetAndDestroy();
    }
  }

  halfClose(direction: Direction | 'both'): void {
    if (direction !== 'downstream') this.#pipes.upstream.end();
    if (direction !== 'upstream') this.#pipes.downstream.end();
  }

  async stop(): Promise<void> {
    this.#stopPipes();
    for (const socket of this.#sockets) socket.destroy();
    await this.#gone;
  }

  #stopPipes(): void {
    this.#pipes.upstream.stop();
    this.#pipes.downstream.stop();
  }
}
