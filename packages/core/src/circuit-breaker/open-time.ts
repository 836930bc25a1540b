import { Backoff } from '../core/index.ts';
import type { SharedOptions } from './rules.ts';
import { Stretch } from './stretch.ts';

/** How long a breaker stays open, and how often in a row it came to nothing. Made when it first opens. */
export class OpenTime {
  /** Recoveries that failed in a row. */
  relapses = 0;
  #time: Stretch | undefined;
  #backoff: Backoff | undefined;

  begin(nowMs: number, options: SharedOptions, givenMs?: number): void {
    this.#time = new Stretch(nowMs, givenMs ?? this.#drawMs(options));
  }

  leftMs(nowMs: number): number {
    return this.#time?.leftMs(nowMs) ?? 0;
  }

  /** The options have changed. */
  forgetBackoff(): void {
    this.#backoff = undefined;
  }

  #drawMs({ openMs, maxOpenMs, openJitter, random }: SharedOptions): number {
    if (typeof openMs === 'number') {
      const fullMs = Math.min(maxOpenMs, openMs * 2 ** this.relapses);
      return fullMs * (1 - openJitter * random.next());
    }
    this.#backoff ??= new Backoff(openMs, random);
    if (this.#backoff.delays !== this.relapses) this.#backoff.reset(this.relapses);
    return this.#backoff.nextMs();
  }
}
