import { warn } from './warn.ts';

export type Listener<E> = (event: E) => void;

/**
 * Listeners for what happens rarely: state changes, resizes, never each call. Synchronous, in the
 * order of their registration. A listener that throws or rejects neither stops the others nor the
 * policy: its error becomes a process warning. Costs one field until someone listens.
 */
export class Emitter<Events extends object> {
  #listeners: Map<keyof Events, Set<Listener<never>>> | undefined;

  /** Calls `listener` at each `event` until the returned function is called. */
  on<K extends keyof Events>(event: K, listener: Listener<Events[K]>): () => void {
    this.#listeners ??= new Map();
    const set = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, set);
    // A wrapper of its own lets the same function be registered twice and removed once.
    const entry: Listener<Events[K]> = (value) => listener(value);
    set.add(entry);
    return () => void set.delete(entry);
  }

  /** Whether anybody would be told of `event`. */
  listens(event: keyof Events): boolean {
    return (this.#listeners?.get(event)?.size ?? 0) > 0;
  }

  /** Call it last, when the policy's own state is whole: a listener may call the policy again. */
  emit<K extends keyof Events>(event: K, value: Events[K]): void {
    const set = this.#listeners?.get(event);
    if (set === undefined) return;
    for (const listener of [...set] as Listener<Events[K]>[]) {
      if (!set.has(listener)) continue; // Removed by a listener before it.
      try {
        const result: unknown = listener(value);
        if (result instanceof Promise) result.catch(warn);
      } catch (error) {
        warn(error);
      }
    }
  }
}
