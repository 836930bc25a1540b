import { InvalidOptionsError } from './errors.ts';
import { shown } from './options.ts';
import type { Policy, PolicyTraits } from './policy.ts';

/**
 * Policies by their names, so that a configuration, an operator or an exporter of metrics finds them
 * where the code that made them is not at hand. Holds them until they are taken out. O(1) a policy.
 *
 * @example
 * const registry = new PolicyRegistry();
 * const payments = registry.add(new CircuitBreaker({ name: 'payments' }));
 * registry.get('payments') === payments;
 */
export class PolicyRegistry implements Iterable<Policy> {
  readonly #policies = new Map<string, Policy>();

  /** @returns the policy. @throws InvalidOptionsError when its name is taken, or it is no policy. */
  add<P extends Policy>(policy: P): P {
    if (typeof policy?.execute !== 'function' || typeof policy.name !== 'string') {
      const expected = 'a policy (an object with name and execute)';
      throw new InvalidOptionsError('PolicyRegistry', [
        { option: 'policy', expected, got: shown(policy) },
      ]);
    }
    const held = this.#policies.get(policy.name);
    if (held !== undefined && held !== policy) {
      const expected = 'a name that no other policy of the registry has';
      throw new InvalidOptionsError('PolicyRegistry', [
        { option: 'name', expected, got: shown(policy.name) },
      ]);
    }
    this.#policies.set(policy.name, policy);
    return policy;
  }

  get(name: string): Policy | undefined {
    return this.#policies.get(name);
  }

  /** Those of one kind, in the order in which they came. */
  ofKind(kind: PolicyTraits['kind']): readonly Policy[] {
    return [...this.#policies.values()].filter((policy) => policy.traits?.kind === kind);
  }

  /** Takes out the policy of that name. Returns whether there was one. */
  delete(name: string): boolean {
    return this.#policies.delete(name);
  }

  get size(): number {
    return this.#policies.size;
  }

  [Symbol.iterator](): Iterator<Policy> {
    return this.#policies.values();
  }

  /** The stats of every policy, by its name. */
  stats(): Record<string, object> {
    return Object.fromEntries([...this].map((policy) => [policy.name, policy.stats()]));
  }
}
