import type { CircuitState } from './states.ts';

/** Releases one hold of an isolated breaker; a second time does nothing. Works with `using`, too. */
export type IsolationRelease = (() => void) & Disposable;

/** The states that somebody ordered, or closed. */
export type StandingState = Exclude<CircuitState, 'open' | 'half-open'>;

/** Who holds a breaker isolated, and what it is to be after the last of them. */
export class Isolation {
  #holds = 0;
  /** What the breaker becomes when nobody holds it any more. */
  after: StandingState;

  constructor(state: CircuitState) {
    this.after = state === 'open' || state === 'half-open' ? 'closed' : state;
  }

  hold(onLast: () => void): IsolationRelease {
    this.#holds++;
    let held = true;
    const release = (): void => {
      if (!held) return;
      held = false;
      if (--this.#holds === 0) onLast();
    };
    return Object.assign(release, { [Symbol.dispose]: release });
  }
}
