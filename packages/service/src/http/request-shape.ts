import type { IncomingMessage } from 'node:http';

/** What a request is judged by. */
export type RequestShape = Pick<IncomingMessage, 'rawHeaders' | 'httpVersion'> & {
  readonly url?: string | undefined;
};

/** Names of RFC 3986 that a server could have, addresses of IPv6 in brackets, and a port. */
const HOST = /^(?:[\w.~-]*|\[[\dA-Fa-f:.]+\])(?::\d{0,5})?$/;

const AUTHORITY = /^[a-z][a-z\d+.-]*:\/\/([^/?#\\]*)/i;

const SLASH = 0x2f;

/** The headers that say whom a request is for and where it ends. */
interface Framing {
  hosts: number;
  host: string;
  lengths: number;
  encodings: number;
  isChunked: boolean;
}

/**
 * Whether two servers could take the request for different ones, although Node's parser takes it: more
 * than one Host or what is none, a coding besides `chunked`, names that some servers read as those of the
 * length, HTTP/1.0 with chunks, HTTP/0.9, a fragment. What the parser refuses by itself is not looked
 * for: both lengths, two lengths, obsolete folding, bare line feeds and the like. O(headers), and it does
 * not allocate for each.
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-11.2
 */
export function isAmbiguous({ rawHeaders, httpVersion, url = '' }: RequestShape): boolean {
  const framing = framingOf(rawHeaders);
  if (framing === undefined) return true;
  const { hosts, host, lengths, encodings, isChunked } = framing;
  if (encodings > 0 && (encodings > 1 || !isChunked || lengths > 0 || httpVersion !== '1.1')) {
    return true;
  }
  if (lengths > 1 || hosts > 1 || !HOST.test(host)) return true;
  return isOddLine(url, httpVersion, hosts);
}

/** undefined when a name is written so that not all servers read it as the same. */
function framingOf(rawHeaders: readonly string[]): Framing | undefined {
  const framing = { hosts: 0, host: '', lengths: 0, encodings: 0, isChunked: false };
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    // Most names are of another length, and need not be looked into.
    if (name.length !== 4 && name.length !== 14 && name.length !== 17) continue;
    switch (name.toLowerCase()) {
      case 'host':
        framing.hosts++;
        framing.host = rawHeaders[i + 1] as string;
        break;
      case 'content-length':
        framing.lengths++;
        break;
      case 'transfer-encoding':
        framing.encodings++;
        framing.isChunked = (rawHeaders[i + 1] as string).toLowerCase() === 'chunked';
        break;
      case 'content_length':
      case 'transfer_encoding':
        return undefined;
      default:
    }
  }
  return framing;
}

function isOddLine(url: string, httpVersion: string, hosts: number): boolean {
  if (httpVersion === '1.1' ? hosts === 0 : httpVersion !== '1.0') return true;
  if (url.includes('#')) return true;
  if (url.charCodeAt(0) === SLASH) return false;
  const authority = AUTHORITY.exec(url)?.[1];
  return authority !== undefined && (authority === '' || !HOST.test(authority));
}
