import { isIP } from 'node:net';

/** What is said of whoever sent a request, and of what it was sent to. */
export interface Sender {
  /** Its address, as the socket gives it. */
  readonly address: string | undefined;
  /** The Host that it asked for. */
  readonly host: string | undefined;
  readonly proto: 'http' | 'https';
}

/** An IPv4 address that came as IPv6 as itself, and without a zone; `unknown` if there is none. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  const plain = /^(?:::ffff:(?=\d+\.))?([^%]*)/i.exec(address)?.[1] ?? '';
  return isIP(plain) > 0 ? plain : 'unknown';
}

/**
 * One element of `Forwarded`.
 * @see https://www.rfc-editor.org/rfc/rfc7239#section-4
 */
export function forwardedElement({ address, host, proto }: Sender): string {
  const by = host === undefined ? '' : `;host=${tokenOrQuoted(host)}`;
  return `for=${forwardedNode(plainAddress(address))}${by};proto=${proto}`;
}

/** The elements that an X-Forwarded-For says as much as, for who reads only `Forwarded`. */
export function asForwarded(forwardedFor: string): string {
  return forwardedFor
    .split(',')
    .map((address) => `for=${forwardedNode(plainAddress(address.trim()))}`)
    .join(', ');
}

/** An address of IPv6 stands in brackets, and needs quotes for them. */
function forwardedNode(address: string): string {
  return address.includes(':') ? `"[${address}]"` : address;
}

function tokenOrQuoted(text: string): string {
  if (/^[\w!#$%&'*+.^`|~-]+$/.test(text)) return text;
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
