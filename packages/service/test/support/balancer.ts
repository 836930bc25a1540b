import { setTimeout as pause } from 'node:timers/promises';

import { onTestFinished } from 'vitest';

import { ask } from './ask.ts';

/** Asks a service every 20 ms whether it is ready, as a balancer does, until it once was not. */
export class Balancer {
  #isReady = true;
  #isOver = false;

  constructor(url: string) {
    onTestFinished(() => {
      this.#isOver = true;
    });
    void this.#watch(url);
  }

  /** Whether new connections go to the service. */
  get isReady(): boolean {
    return this.#isReady;
  }

  async #watch(url: string): Promise<void> {
    while (this.#isReady && !this.#isOver) {
      this.#isReady = await ask(`${url}/readyz`).then(
        ({ status }) => status === 200,
        () => false,
      );
      await pause(20);
    }
  }
}
