import { isIP } from 'node:net';

/** What is said of whoever sent a request, and of what it was sent to. */
export interface Sender {
  /** Its address, as {@link plainAddress} gives it. */
  readonly address: string;
  /** The Host that it asked for. */
  readonly host: string | undefined;
  readonly proto: 'http' | 'https';
}

/** The address of a socket: one of IPv4 that came as IPv6 as itself, and no zone; `unknown` if there is none. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined || address === '') return 'unknown';
  const plain = address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
  const zone = plain.indexOf('%');
  return zone < 0 ? plain : plain.slice(0, zone);
}

/**
 * One element of `Forwarded`.
 * @see https://www.rfc-editor.org/rfc/rfc7239#section-4
 */
export function forwardedElement({ address, host, proto }: Sender): string {
  const asked = host === undefined ? '' : `;host=${tokenOrQuoted(host)}`;
  return `for=${forwardedNode(address)}${asked};proto=${proto}`;
}

/** What an X-Forwarded-For says, for who reads only `Forwarded`; what is no address in it is `unknown`. */
export function asForwarded(forwardedFor: string): string {
  return forwardedFor
    .split(',')
    .map((text) => plainAddress(text.trim()))
    .map((address) => `for=${isIP(address) > 0 ? forwardedNode(address) : 'unknown'}`)
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
