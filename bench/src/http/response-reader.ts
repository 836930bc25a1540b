import { BenchError } from '../harness/subject.ts';

/** What every response must be. */
export interface Expected {
  readonly status: number;
  /** Undefined: any. */
  readonly body?: string | undefined;
}

const CONTENT_LENGTH = /\r\ncontent-length: (\d+)/i;

const HEAD_END = '\r\n\r\n';

/**
 * Reads one response after another from a connection. It parses just enough to know where a response ends
 * and whether it is the right one.
 */
export class ResponseReader {
  readonly #start: string;
  readonly #body: Buffer | undefined;
  #head = '';
  #isInBody = false;
  /** Bytes of the body, as its head says, and those that have come. */
  #length = 0;
  #received = 0;

  constructor({ status, body }: Expected) {
    this.#start = `HTTP/1.1 ${status} `;
    this.#body = body === undefined ? undefined : Buffer.from(body, 'latin1');
  }

  /** Takes what came, and says whether it completes a response. @throws BenchError when that is not the right one */
  take(bytes: Buffer): boolean {
    if (this.#isInBody) return this.#takeBody(bytes);
    this.#head += bytes.toString('latin1');
    const headEnd = this.#head.indexOf(HEAD_END);
    if (headEnd < 0) return false;
    const bodyBytes = this.#head.length - headEnd - HEAD_END.length;
    this.#isInBody = true;
    this.#received = 0;
    this.#length = Number(CONTENT_LENGTH.exec(this.#head)?.[1] ?? Number.NaN);
    if (
      !this.#head.startsWith(this.#start) ||
      this.#length !== (this.#body?.length ?? this.#length)
    )
      throw this.#problem();
    return this.#takeBody(bytes.subarray(bytes.length - bodyBytes));
  }

  #takeBody(bytes: Buffer): boolean {
    const from = this.#received;
    this.#received += bytes.length;
    if (this.#received > this.#length) throw this.#problem();
    if (this.#body?.compare(bytes, 0, bytes.length, from, this.#received)) throw this.#problem();
    if (this.#received < this.#length) return false;
    this.#isInBody = false;
    this.#head = '';
    return true;
  }

  #problem(): BenchError {
    return new BenchError(`unexpected response: ${this.#head.slice(0, 500)}`);
  }
}
