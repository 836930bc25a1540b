import { compileEdits, type CompiledEdits, type HeaderEdits } from './edits.ts';
import { FieldTable } from './field-table.ts';
import { asForwarded, forwardedElement, plainAddress, type Sender } from './forwarded.ts';
import { HOP_BY_HOP, namedBy, without } from './hop-by-hop.ts';
import { listed } from './listed.ts';

/** What targets are told, as the configuration of an upstream and of a route to it says. */
export interface RequestHeaderPolicy {
  /** The Host that they see. `target`: none is given, so that the connection says its own. */
  readonly host: 'target' | 'client' | { readonly fixed: string };
  readonly forwarded: 'append' | 'replace' | 'off';
  /** What this service calls itself in Via; false: nothing. */
  readonly via: string | false;
  /** After all else. */
  readonly edits: HeaderEdits;
}

/** What is known of a request besides its headers. */
export interface RequestFacts {
  /** Address of whoever has connected, as the socket gives it. */
  readonly peerAddress: string | undefined;
  /** Whether that is one of the proxies whose word is believed. */
  readonly isTrusted: boolean;
  /** Of an absolute URL, which takes the place of Host: see `authorityOf`. */
  readonly authority?: string | undefined;
  readonly proto: 'http' | 'https';
  /** `1.1` or `1.0`, for Via. */
  readonly httpVersion: string;
  readonly requestId: string;
  /** To take the place of what came; undefined: as it came. */
  readonly traceparent: string | undefined;
  /** What is left of its time, in ms. */
  readonly deadlineMs: number;
}

/** What is done with a header that is not just passed on. */
type Field =
  | 'drop'
  | 'claim'
  | 'connection'
  | 'content-length'
  | 'forwarded'
  | 'host'
  | 'te'
  | 'traceparent'
  | 'transfer-encoding'
  | 'via'
  | 'x-forwarded-for'
  | 'x-forwarded-host'
  | 'x-forwarded-proto';

/** Said of the client by who is in front; by anybody else it may be a lie. */
const CLAIMS = [
  'x-forwarded-port',
  'x-forwarded-prefix',
  'x-forwarded-scheme',
  'x-forwarded-server',
  'x-forwarded-ssl',
  'x-real-ip',
];

const OWN: readonly Field[] = [
  'connection',
  'content-length',
  'forwarded',
  'host',
  'te',
  'transfer-encoding',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
];

/** The values by which fields came that are not just passed on; of a list that came in parts, all. */
class Came {
  readonly rest: string[] = [];
  named: readonly string[] | undefined = undefined;
  contentLength: string | undefined = undefined;
  isChunked = false;
  takesTrailers = false;
  host: string | undefined = undefined;
  via: string | undefined = undefined;
  forwarded: string | undefined = undefined;
  forwardedFor: string | undefined = undefined;
  forwardedHost: string | undefined = undefined;
  forwardedProto: string | undefined = undefined;
}

/**
 * What targets see of the headers of requests. Hop-by-hop headers end here, and those that `Connection`
 * names; who is forwarded for, Via, the id, the trace and the time that is left are said anew. Made once
 * for a route; O(headers), and it never throws.
 */
export class RequestHeaders {
  readonly #policy: RequestHeaderPolicy;
  readonly #edits: CompiledEdits;
  readonly #fields: FieldTable<Field>;

  constructor(policy: RequestHeaderPolicy) {
    this.#policy = policy;
    this.#edits = compileEdits(policy.edits);
    this.#fields = fieldsOf(this.#edits);
  }

  /** The headers for undici's `dispatch`, flat, of those that came, flat. */
  of(rawHeaders: readonly string[], facts: RequestFacts): string[] {
    const isBelieved = facts.isTrusted && this.#policy.forwarded === 'append';
    const came = this.#sort(rawHeaders, isBelieved, facts.traceparent === undefined);
    const headers = came.named === undefined ? came.rest : without(came.rest, came.named);
    came.host = facts.authority ?? came.host;
    this.#frame(headers, came);
    this.#forward(headers, came, facts);
    const { via } = this.#policy;
    const own = via === false ? undefined : `${facts.httpVersion} ${via}`;
    this.#put(headers, 'via', listed(came.via, own));
    this.#put(headers, 'x-request-id', facts.requestId);
    this.#put(headers, 'traceparent', facts.traceparent);
    this.#put(headers, 'x-request-deadline-ms', wholeMs(facts.deadlineMs));
    for (const text of this.#edits.in) headers.push(text);
    return headers;
  }

  #sort(raw: readonly string[], isBelieved: boolean, keepsTrace: boolean): Came {
    const came = new Came();
    for (let i = 0; i + 1 < raw.length; i += 2) {
      const [name, value] = [raw[i] as string, raw[i + 1] as string];
      const field = this.#fields.get(name);
      if (
        field === undefined ||
        (field === 'claim' && isBelieved) ||
        (field === 'traceparent' && keepsTrace)
      ) {
        // In lower case, as HTTP/2 has them, and undici knows what to do with doubles.
        came.rest.push(name.toLowerCase(), value);
      } else {
        note(came, field, value, isBelieved);
      }
    }
    return came;
  }

  /** How long the body is, if it is not chunked, which undici does by itself; and who it was for. */
  #frame(headers: string[], came: Came): void {
    const { host } = this.#policy;
    if (host === 'client') this.#put(headers, 'host', came.host);
    else if (host !== 'target') headers.push('host', host.fixed);
    if (!came.isChunked) this.#put(headers, 'content-length', came.contentLength);
    if (came.takesTrailers) this.#put(headers, 'te', 'trailers');
  }

  #forward(headers: string[], came: Came, { peerAddress, proto }: RequestFacts): void {
    if (this.#policy.forwarded === 'off') return;
    const { host, forwardedFor } = came;
    const address = plainAddress(peerAddress);
    const sender: Sender = { address, host, proto };
    const before = came.forwarded ?? (forwardedFor && asForwarded(forwardedFor));
    this.#put(headers, 'x-forwarded-for', listed(forwardedFor, address));
    this.#put(headers, 'x-forwarded-host', came.forwardedHost ?? host);
    this.#put(headers, 'x-forwarded-proto', came.forwardedProto ?? proto);
    this.#put(headers, 'forwarded', listed(before, forwardedElement(sender)));
  }

  #put(headers: string[], name: string, value: string | undefined): void {
    if (value !== undefined && !this.#edits.out.has(name)) headers.push(name, value);
  }
}

function fieldsOf(edits: CompiledEdits): FieldTable<Field> {
  const dropped = [...edits.out, ...HOP_BY_HOP, 'expect', 'x-request-id', 'x-request-deadline-ms'];
  return new FieldTable<Field>([
    ...dropped.map((name) => [name, 'drop'] as const),
    ...CLAIMS.map((name) => [name, edits.out.has(name) ? 'drop' : 'claim'] as const),
    // The others are put in anew, and what an edit takes out is left out then.
    ...OWN.map((name) => [name, name] as const),
    ['traceparent', edits.out.has('traceparent') ? 'drop' : 'traceparent'],
  ]);
}

function note(came: Came, field: Field, value: string, isBelieved: boolean): void {
  switch (field) {
    case 'connection': {
      const named = namedBy(value);
      if (named) came.named = came.named ? [...came.named, ...named] : named;
      return;
    }
    case 'content-length':
      came.contentLength ??= value;
      return;
    case 'transfer-encoding':
      came.isChunked = true;
      return;
    case 'te':
      came.takesTrailers ||= /(?:^|,)\s*trailers\s*(?:;|,|$)/i.test(value);
      return;
    case 'host':
      if (value !== '') came.host ??= value;
      return;
    case 'via':
      came.via = listed(came.via, value);
      return;
    default:
      if (isBelieved) noteForwarded(came, field, value);
  }
}

function noteForwarded(came: Came, field: Field, value: string): void {
  if (value === '') return;
  switch (field) {
    case 'forwarded':
      came.forwarded = listed(came.forwarded, value);
      return;
    case 'x-forwarded-for':
      came.forwardedFor = listed(came.forwardedFor, value);
      return;
    case 'x-forwarded-host':
      came.forwardedHost ??= value;
      return;
    case 'x-forwarded-proto':
      came.forwardedProto ??= value;
      return;
    default:
  }
}

/** Never more than there is. Time without an end is not told. */
function wholeMs(ms: number): string | undefined {
  return Number.isFinite(ms) ? String(Math.max(0, Math.floor(ms))) : undefined;
}
