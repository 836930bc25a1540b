import type { IpAddress } from './ip-address.ts';

const [DOT, COLON, ZERO] = [46, 58, 48];
const MAPPED = '::ffff:';
const LONGEST_QUAD = '255.255.255.255'.length;

/**
 * An address in any of its textual forms, with no port and no brackets; undefined for any other text.
 * A zone (`%eth0`) is left out. As in node:net, octets with leading zeros are no address: systems
 * disagree about whether they are octal. O(length up to the first character that does not fit).
 */
export function parseIpAddress(text: string): IpAddress | undefined {
  if (isQuad(text, 0, text.length)) {
    const bits = bitsOfQuad(text, 0, text.length);
    return [0, 0, 0, 0, 0, 0xffff, bits >>> 16, bits & 0xffff];
  }
  const zone = text.indexOf('%');
  if (zone < 0) return parseGroups(text, text.length);
  return zone + 1 < text.length ? parseGroups(text, zone) : undefined;
}

/**
 * The IPv4 address that `text` plainly is, or is mapped from, as a dotted quad; undefined for every
 * other text, though it be an address. Makes the common case cheap: no parsing into groups.
 */
export function plainIpv4(text: string): string | undefined {
  if (isQuad(text, 0, text.length)) return text;
  if (!text.startsWith(MAPPED)) return undefined;
  return isQuad(text, MAPPED.length, text.length) ? text.slice(MAPPED.length) : undefined;
}

/** Whether a dotted quad stands from `start` to `end`. */
function isQuad(text: string, start: number, end: number): boolean {
  if (end - start > LONGEST_QUAD) return false;
  let octet = -1;
  let dots = 0;
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code === DOT && octet >= 0) {
      octet = -1;
      dots++;
      continue;
    }
    const digit = code - ZERO;
    if (digit < 0 || digit > 9 || octet === 0) return false;
    octet = octet < 0 ? digit : octet * 10 + digit;
    if (octet > 255) return false;
  }
  return dots === 3 && octet >= 0;
}

/** The 32 bits of the dotted quad that is known to stand there. */
function bitsOfQuad(text: string, start: number, end: number): number {
  let bits = 0;
  let octet = 0;
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code === DOT) bits = (bits << 8) | octet;
    octet = code === DOT ? 0 : octet * 10 + code - ZERO;
  }
  return (bits << 8) | octet;
}

/** The groups of the IPv6 address that stands before `end`. */
function parseGroups(text: string, end: number): IpAddress | undefined {
  const groups: number[] = [];
  let gap = text.startsWith('::') ? 0 : -1;
  let at = gap === 0 ? 2 : 0;
  while (at < end) {
    const start = at;
    let group = 0;
    // What stands at the end, a zone's % or nothing, is no digit either.
    for (let digit = hexDigit(text, at); digit >= 0; digit = hexDigit(text, ++at)) {
      group = group * 16 + digit;
      if (at - start === 4) return undefined;
    }
    if (at < end && text.charCodeAt(at) === DOT) {
      if (!isQuad(text, start, end)) return undefined;
      const bits = bitsOfQuad(text, start, end);
      groups.push(bits >>> 16, bits & 0xffff);
      break;
    }
    if (at === start) return undefined;
    if (groups.push(group) > 8) return undefined;
    if (at === end) break;
    if (text.charCodeAt(at) !== COLON || ++at === end) return undefined;
    if (text.charCodeAt(at) === COLON) {
      if (gap >= 0) return undefined;
      gap = groups.length;
      at++;
    }
  }
  return widened(groups, gap);
}

/** The eight groups, with zeros put in where `::` stood; it stands for at least one. */
function widened(groups: number[], gap: number): IpAddress | undefined {
  if (gap < 0) return groups.length === 8 ? groups : undefined;
  if (groups.length > 7) return undefined;
  let from = groups.length - 1;
  while (groups.length < 8) groups.push(0);
  for (let to = 7; from >= gap; from--, to--) {
    groups[to] = groups[from] ?? 0;
    groups[from] = 0;
  }
  return groups;
}

function hexDigit(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code >= ZERO && code <= 57) return code - ZERO;
  const letter = (code | 32) - 97;
  return letter >= 0 && letter < 6 ? letter + 10 : -1;
}
