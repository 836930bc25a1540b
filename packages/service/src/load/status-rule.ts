/** Says whether a status counts as a success. */
export type StatusRule = (status: number) => boolean;

/** Statuses by which a service says "not now": too many requests, unavailable. */
export const REFUSALS: readonly number[] = [429, 503];

/**
 * A rule from its text: statuses and classes in a list, `200`, `2xx,3xx`, `2xx,404`.
 * Undefined when the text is no such list.
 */
export function parseStatusRule(text: string): StatusRule | undefined {
  const parts = text.split(',').map((part) => part.trim().toLowerCase());
  if (!parts.every((part) => /^[1-5](xx|\d\d)$/.test(part))) return undefined;
  const accepted = new Set<number>(parts.flatMap(statusesOf));
  return (status) => accepted.has(status);
}

function statusesOf(part: string): readonly number[] {
  if (!part.endsWith('xx')) return [Number(part)];
  const first = Number(part[0]) * 100;
  return Array.from({ length: 100 }, (_, i) => first + i);
}
