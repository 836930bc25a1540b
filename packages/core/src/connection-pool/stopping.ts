import type { Broker } from './broker.ts';
import { stopped } from './refusals.ts';
import type { Setup } from './setup.ts';
import type { ConnectionPoolStopResult } from './stats.ts';

/** The end of a pool: callers have their time to give back what they hold, then it is taken from them. */
export class Stopping<T> {
  readonly #ended: PromiseWithResolvers<ConnectionPoolStopResult> = Promise.withResolvers();
  readonly #setup: Setup<T>;
  readonly #broker: Broker<T>;
  isDone = false;

  constructor(setup: Setup<T>, broker: Broker<T>) {
    this.#setup = setup;
    this.#broker = broker;
  }

  get result(): Promise<ConnectionPoolStopResult> {
    return this.#ended.promise;
  }

  begin(timeoutMs: number): void {
    void this.#run(timeoutMs).then(this.#ended.resolve, this.#ended.reject);
  }

  async #run(timeoutMs: number): Promise<ConnectionPoolStopResult> {
    const { stock, dialler, maintenance } = this.#broker;
    this.#broker.state = 'stopping';
    stock.isStopped = true;
    maintenance.stop();
    dialler.stop(stopped(this.#setup.name));
    const refused = this.#broker.refuseAll();
    for (const connection of [...stock.idle, ...stock.busy]) stock.remove(connection, 'stopped');
    if (timeoutMs > 0) await this.#untilGivenBack(timeoutMs);
    const revoked = this.#revokeAll();
    await this.#broker.untilEmpty();
    this.#setup.alarms.rest();
    this.isDone = true;
    const result = { refused, revoked };
    this.#setup.events.emit('stop', result);
    return result;
  }

  #revokeAll(): number {
    const { leased } = this.#broker.stock;
    let revoked = 0;
    // Not a copy: the end of one may have others given back.
    for (let held = leased.first; held !== undefined; held = leased.first) {
      this.#broker.revoke(held);
      revoked++;
    }
    return revoked;
  }

  #untilGivenBack(timeoutMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { clock } = this.#setup;
    const cancel = timeoutMs === Infinity ? undefined : clock.schedule(timeoutMs, resolve);
    void this.#broker.untilQuiet().then(resolve);
    return promise.then(() => cancel?.());
  }
}
