import { Emitter, type Clock } from '../core/index.ts';
import type { CircuitBreakerEvents } from './states.ts';

/** Those who listen to a breaker, and the one timer by which, if it is eager, they hear on time. */
export class Audience {
  readonly events: Emitter<CircuitBreakerEvents> = new Emitter();
  #cancel: (() => void) | undefined;

  /** Rings once in `delayMs`; Infinity: not at all. Replaces what was set before. */
  setAlarm(clock: Clock, delayMs: number, ring: () => void): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (delayMs === Infinity) return;
    const fire = (): void => {
      this.#cancel = undefined;
      ring();
    };
    this.#cancel = clock.schedule(delayMs, fire, { keepAlive: false });
  }
}
