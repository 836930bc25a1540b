import type { Socket } from 'node:net';
import type { Clock, Random } from '../../core/index.ts';
import type { Faults } from './faults.ts';

/** Bytes that a pipe takes in beyond what it has passed on; then the sender has to wait. */
const MOST_UNDER_WAY = 1 << 20;

/** A limited bandwidth passes its bytes in pieces of so many ms each. */
const PIECE_MS = 20;

/** Times closer than this are the same: sums of times are rounded. */
const ROUNDING_MS = 1e-6;

/** A chunk under way; without data: the FIN. */
interface Parcel {
  data: Buffer | undefined;
  readonly arrivedMs: number;
  /** Its draw for the jitter, from -1 to 1. */
  readonly luck: number;
}

export interface FaultPipeOptions {
  readonly source: Socket;
  readonly sink: Socket;
  readonly clock: Clock;
  readonly random: Random;
  readonly faults: Required<Faults>;
  /** Told of each piece that was passed on. */
  readonly onPassed: (bytes: number) => void;
  /** The pipe has passed what it may: cut the connection. */
  readonly onCut: (by: 'reset' | 'end') => void;
}

/** One direction of a connection through the proxy: a line of chunks, each due at its own time. */
export class FaultPipe {
  readonly #options: FaultPipeOptions;
  #faults: Required<Faults>;
  readonly #line: Parcel[] = [];
  #bytesInLine = 0;
  #bytesSinceFaults = 0;
  #linkFreeMs = -Infinity;
  #cancelTimer: (() => void) | undefined;
  #isChoked = false;
  #hasEnded = false;

  constructor(options: FaultPipeOptions) {
    this.#options = options;
    this.#faults = options.faults;
    const { source, sink } = options;
    source.on('data', (data: Buffer) => this.#add(data));
    source.on('end', () => this.#add(undefined));
    sink.on('drain', () => {
      this.#isChoked = false;
      this.#pump();
    });
  }

  /** New faults, also for what is under way. The bytes until a cut are counted anew. */
  update(faults: Required<Faults>): void {
    this.#faults = faults;
    this.#bytesSinceFaults = 0;
    this.#linkFreeMs = -Infinity;
    this.#pump();
  }

  /** Sends the FIN now. What is under way or comes later is lost. */
  end(): void {
    this.#hasEnded = true;
    this.#line.length = 0;
    this.#bytesInLine = 0;
    this.#options.sink.end();
    this.#pump();
  }

  /** Passes nothing any more, and leaves no timer. */
  stop(): void {
    this.#hasEnded = true;
    this.#line.length = 0;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #add(data: Buffer | undefined): void {
    if (this.#hasEnded) return;
    const { clock, random } = this.#options;
    this.#line.push({ data, arrivedMs: clock.nowMs(), luck: 2 * random.next() - 1 });
    this.#bytesInLine += data?.length ?? 0;
    this.#pump();
  }

  /** Passes on what is due, and looks again when the next is. */
  #pump(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#options.sink.destroyed) return;
    let waitMs = this.#waitMs();
    while (waitMs <= ROUNDING_MS) {
      this.#passOne(this.#line[0] as Parcel);
      waitMs = this.#waitMs();
    }
    if (waitMs < Infinity) {
      this.#cancelTimer = this.#options.clock.schedule(waitMs, () => this.#pump());
    }
    const { source } = this.#options;
    const takesMore = !this.#faults.hang && this.#bytesInLine < MOST_UNDER_WAY;
    if (takesMore || this.#hasEnded) source.resume();
    else source.pause();
  }

  /** Until the first in line may leave; Infinity: some event has to come first. */
  #waitMs(): number {
    const [first] = this.#line;
    if (first === undefined || this.#faults.hang || this.#isChoked) return Infinity;
    const { latencyMs, jitterMs } = this.#faults;
    const arrivesMs = first.arrivedMs + Math.max(0, latencyMs + first.luck * jitterMs);
    return Math.max(arrivesMs, this.#linkFreeMs) - this.#options.clock.nowMs();
  }

  #passOne(parcel: Parcel): void {
    if (parcel.data === undefined) return this.end();
    const { bytesPerSecond, cutAfterBytes, cutBy } = this.#faults;
    const leftBytes = cutAfterBytes - this.#bytesSinceFaults;
    const pieceBytes = Math.max(1, Math.floor((bytesPerSecond * PIECE_MS) / 1000));
    const piece = parcel.data.subarray(0, Math.min(pieceBytes, leftBytes));
    this.#write(piece, parcel);
    this.#linkFreeMs = this.#options.clock.nowMs() + (piece.length / bytesPerSecond) * 1000;
    if (this.#bytesSinceFaults >= cutAfterBytes) {
      this.stop();
      this.#options.onCut(cutBy);
    }
  }

  #write(piece: Buffer, parcel: Parcel): void {
    const whole = parcel.data as Buffer;
    if (piece.length === whole.length) this.#line.shift();
    else parcel.data = whole.subarray(piece.length);
    this.#bytesInLine -= piece.length;
    this.#bytesSinceFaults += piece.length;
    if (piece.length === 0) return;
    this.#options.onPassed(piece.length);
    this.#isChoked = !this.#options.sink.write(piece);
  }
}
