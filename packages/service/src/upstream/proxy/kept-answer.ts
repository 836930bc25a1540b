import type { AnswerSink } from './answer-sink.ts';
import type { ReceivedHeaders } from './response-headers.ts';
import { trailersOf } from './trailers.ts';

/** So much of a body is kept; the rest is left with the target until somebody wants it. */
const MOST_KEPT = 64 * 1024;

/** The body of an answer that nobody wants yet, since there may be a better one. */
export class KeptAnswer {
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #isWhole = false;
  #trailers: ReceivedHeaders | null | undefined;

  /** Whether the next part may come. */
  keep(chunk: Buffer): boolean {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    return this.#bytes < MOST_KEPT;
  }

  end(trailers: ReceivedHeaders | null | undefined): void {
    this.#isWhole = true;
    this.#trailers = trailers;
  }

  /** Passes on what was kept. Whether the rest may come at once. */
  playInto(sink: AnswerSink): boolean {
    let mayGoOn = true;
    for (const chunk of this.#chunks) mayGoOn = sink.write(chunk);
    if (this.#isWhole) sink.end(trailersOf(this.#trailers));
    return mayGoOn;
  }
}
