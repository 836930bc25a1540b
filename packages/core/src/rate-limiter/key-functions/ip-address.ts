/**
 * 128 bits as eight groups of 16, the first one first. An IPv4 address is its IPv4-mapped IPv6 address
 * (`::ffff:1.2.3.4`), so that each address has one form however it was written.
 * @see https://www.rfc-editor.org/rfc/rfc4291#section-2.5.5.2
 */
export type IpAddress = readonly number[];

/** Whether the address is an IPv4 address. It is by its range, not by how it was written. */
export function isIpv4([a = 0, b = 0, c = 0, d = 0, e = 0, f = 0]: IpAddress): boolean {
  return (a | b | c | d | e) === 0 && f === 0xffff;
}

/** The mask of 16 bits with which the first `bits` of an address meet its group at `index`. */
export function maskAt(index: number, bits: number): number {
  const kept = Math.min(16, Math.max(0, bits - index * 16));
  return (0xffff << (16 - kept)) & 0xffff;
}

/**
 * The one text of an IPv4 address, or of the block of `ipv6Bits` bits in which an IPv6 address lies
 * (`2001:db8:0:1::/64`). It shares no memory with the text that was parsed.
 * @see https://www.rfc-editor.org/rfc/rfc5952#section-4
 */
export function blockName(address: IpAddress, ipv6Bits: number): string {
  if (isIpv4(address)) return `${octets(address[6])}.${octets(address[7])}`;
  const groups = address.map((group, index) => group & maskAt(index, ipv6Bits));
  const { start, end } = longestZeros(groups);
  const left = hexWords(groups, 0, start);
  return start === end ? `${left}/${ipv6Bits}` : `${left}::${hexWords(groups, end, 8)}/${ipv6Bits}`;
}

function octets(group = 0): string {
  return `${group >>> 8}.${group & 0xff}`;
}

/** The longest run of at least two zeros, the first of equals; empty and at the end if there is none. */
function longestZeros(groups: readonly number[]): { start: number; end: number } {
  let [start, end] = [8, 8];
  for (let from = 0; from < 8; from++) {
    let to = from;
    while (groups[to] === 0) to++;
    if (to - from > Math.max(1, end - start)) [start, end] = [from, to];
    from = to;
  }
  return { start, end };
}

function hexWords(groups: readonly number[], start: number, end: number): string {
  let text = '';
  for (let index = start; index < end; index++) {
    const word = (groups[index] ?? 0).toString(16);
    text += index > start ? `:${word}` : word;
  }
  return text;
}
