/**
 * Answers `value` when it is an integer of at least `least`.
 * @throws RangeError that names what was asked for and what was got.
 */
export function requireInteger(name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new RangeError(`${name} must be an integer of at least ${least}, got ${value}.`);
}
