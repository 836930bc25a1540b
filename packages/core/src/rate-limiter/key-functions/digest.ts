import { hash } from 'node:crypto';

/** Characters of a digest: 132 bits of SHA-256 in base64url. */
const LENGTH = 22;

/** A short stand-in for `text`, the same in every process, from which it cannot be read back. */
export function digest(text: string): string {
  return hash('sha256', text, 'base64url').slice(0, LENGTH);
}
