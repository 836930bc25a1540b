/** How the path of a route becomes that of a target; see the configuration of routes. */
export interface PathRules {
  /** `/items/:id`, `/files/*` */
  readonly path: string;
  /** A part of `path` before its first parameter. */
  readonly stripPrefix?: string | undefined;
  /** `/v2/items/:id`, with the parameters of `path`. */
  readonly rewrite?: string | undefined;
}

/** What a target is asked for, of the URL as the client sent it; undefined when that is to be refused. */
export type TargetPath = (url: string) => string | undefined;

/** The authority of an absolute URL. A client may send one, but it does not choose the host. */
const AUTHORITY = /^https?:\/\/[^/?#\\]*(?=\/)/i;

/** Spaces, controls, what is not ASCII, and a fragment: no request line has them. */
const FORBIDDEN = /[^!-~]|#/;

/**
 * `.` or `..` between what some server takes for slashes, in whatever spelling, also with parameters
 * as in `..;x`: whoever resolves it leaves the path that the route was given for.
 */
const DOT_SEGMENT = /(?:[/\\]|%2f|%5c)(?:\.|%2e){1,2}(?:$|[/\\;]|%2f|%5c|%3b)/i;

/**
 * The function from the URL of a request to the path, with the query, for the target. Escapes stay as
 * they came, and so does what comes of parameters, by whole segments: no character of one can end it.
 * What it gives begins with one `/`, has no dot segments, and is of visible ASCII characters.
 */
export function targetPath(rules: PathRules): TargetPath {
  const change = changeOf(rules);
  return (url) => {
    const whole = url.startsWith('/') ? url : withoutAuthority(url);
    if (whole === undefined || FORBIDDEN.test(whole)) return undefined;
    const end = whole.indexOf('?');
    const path = end < 0 ? whole : whole.slice(0, end);
    if (!isSafe(path)) return undefined;
    const changed = change(path);
    // A path that begins with two is a host to whoever resolves it.
    if (startsWithHost(changed)) return undefined;
    return end < 0 ? changed : changed + whole.slice(end);
  };
}

/**
 * The host, with its port, of a URL that is absolute; undefined for a path. It is what the client asked
 * for, whatever its Host says.
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2
 */
export function authorityOf(url: string): string | undefined {
  if (url.startsWith('/')) return undefined;
  return AUTHORITY.exec(url)?.[0].replace(/^https?:\/\//i, '');
}

function withoutAuthority(url: string): string | undefined {
  const authority = AUTHORITY.exec(url)?.[0];
  return authority === undefined ? undefined : url.slice(authority.length);
}

function isSafe(path: string): boolean {
  const mayHaveDots = path.includes('.') || path.includes('%');
  return !startsWithHost(path) && !(mayHaveDots && DOT_SEGMENT.test(path));
}

function startsWithHost(path: string): boolean {
  const second = path.charCodeAt(1);
  return second === SLASH || second === BACKSLASH;
}

const SLASH = 0x2f;
const BACKSLASH = 0x5c;

function changeOf({ path, stripPrefix, rewrite }: PathRules): (path: string) => string {
  if (rewrite !== undefined) return rewriting(path.split('/'), rewrite.split('/'));
  if (stripPrefix !== undefined) return stripping(stripPrefix.split('/').length - 1);
  return (asItCame) => asItCame;
}

/** Counts segments and compares nothing: the router has, with escapes taken for what they stand for. */
function stripping(segments: number): (path: string) => string {
  return (path) => {
    let at = 0;
    for (let left = segments; left > 0 && at >= 0; left--) at = path.indexOf('/', at + 1);
    return at < 0 ? '/' : path.slice(at);
  };
}

/** A segment of the new path: itself, or the place of the one that it takes, from there to the end if `isRest`. */
type Piece = string | { readonly index: number; readonly isRest: boolean };

function rewriting(
  pattern: readonly string[],
  template: readonly string[],
): (path: string) => string {
  const pieces = template.map((segment): Piece => {
    const isRest = segment === '*';
    if (!isRest && !segment.startsWith(':')) return encodeURI(segment);
    return { index: pattern.indexOf(segment), isRest };
  });
  return (path) => {
    const segments = path.split('/');
    return pieces.map((piece) => textOf(piece, segments)).join('/');
  };
}

function textOf(piece: Piece, segments: readonly string[]): string {
  if (typeof piece === 'string') return piece;
  const { index, isRest } = piece;
  return isRest ? segments.slice(index).join('/') : (segments[index] ?? '');
}
