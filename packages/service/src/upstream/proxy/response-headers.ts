import { compileEdits, type CompiledEdits, type HeaderEdits } from './edits.ts';
import { FieldTable } from './field-table.ts';
import { HOP_BY_HOP, namedBy, without } from './hop-by-hop.ts';
import { listed } from './listed.ts';

export interface ResponseHeaderPolicy {
  /** What this service calls itself in Via; false: nothing. */
  readonly via: string | false;
  /** After all else. */
  readonly edits: HeaderEdits;
}

/** What is known of an answer besides its headers. */
export interface ResponseFacts {
  /** Of the connection to the target: `1.1`, `2`. For Via. */
  readonly httpVersion: string;
  /** Whether the client's connection can carry trailers: HTTP/1.1, and an answer that may have a body. */
  readonly canTrailer: boolean;
}

/** As undici hands them on: flat in HTTP/1.1, by name in HTTP/2. */
export type ReceivedHeaders =
  | readonly Uint8Array[]
  | readonly string[]
  | Readonly<Record<string, string | readonly string[] | undefined>>;

/** What is done with a header that is not just passed on. */
type Field = 'drop' | 'connection' | 'content-length' | 'date' | 'trailer' | 'via';

const OWN: readonly Field[] = ['connection', 'content-length', 'date', 'trailer', 'via'];

/** The values by which fields came that are not just passed on. */
class Came {
  readonly rest: string[] = [];
  named: readonly string[] | undefined = undefined;
  contentLength: string | undefined = undefined;
  date: string | undefined = undefined;
  trailer: string | undefined = undefined;
  via: string | undefined = undefined;
}

/**
 * What clients see of the headers of answers. Hop-by-hop headers end here, and those that `Connection`
 * names; Node frames the body anew. Made once for a route; O(headers), and it never throws.
 */
export class ResponseHeaders {
  readonly #via: string | false;
  readonly #edits: CompiledEdits;
  readonly #fields: FieldTable<Field>;

  constructor({ via, edits }: ResponseHeaderPolicy) {
    this.#via = via;
    this.#edits = compileEdits(edits);
    const drop = [...HOP_BY_HOP, ...this.#edits.out].map((name) => [name, 'drop'] as const);
    this.#fields = new FieldTable<Field>([...drop, ...OWN.map((name) => [name, name] as const)]);
  }

  /** The headers for `writeHead`, flat. */
  of(received: ReceivedHeaders, { httpVersion, canTrailer }: ResponseFacts): string[] {
    const came = this.#sort(received);
    const headers = came.named === undefined ? came.rest : without(came.rest, came.named);
    this.#put(headers, 'content-length', came.contentLength);
    this.#put(headers, 'date', came.date);
    // Node refuses to send trailers after a body of a known length.
    if (canTrailer && came.contentLength === undefined) {
      this.#put(headers, 'trailer', came.trailer);
    }
    const own = this.#via === false ? undefined : `${httpVersion} ${this.#via}`;
    this.#put(headers, 'via', listed(came.via, own));
    for (const text of this.#edits.in) headers.push(text);
    return headers;
  }

  #sort(received: ReceivedHeaders): Came {
    const came = new Came();
    if (isFlat(received)) {
      for (let i = 0; i + 1 < received.length; i += 2) {
        this.#take(came, textOf(received[i]), textOf(received[i + 1]));
      }
      return came;
    }
    for (const [name, value] of Object.entries(received)) {
      for (const one of typeof value === 'string' ? [value] : (value ?? [])) {
        this.#take(came, name, one);
      }
    }
    return came;
  }

  #take(came: Came, name: string, value: string): void {
    switch (this.#fields.get(name)) {
      case undefined:
        came.rest.push(name, value);
        return;
      case 'connection': {
        const named = namedBy(value);
        if (named) came.named = came.named ? [...came.named, ...named] : named;
        return;
      }
      case 'content-length':
        came.contentLength ??= value;
        return;
      case 'date':
        came.date ??= value;
        return;
      case 'trailer':
        came.trailer = listed(came.trailer, value);
        return;
      case 'via':
        came.via = listed(came.via, value);
        return;
      case 'drop':
    }
  }

  #put(headers: string[], name: string, value: string | undefined): void {
    if (value !== undefined && !this.#edits.out.has(name)) headers.push(name, value);
  }
}

function isFlat(received: ReceivedHeaders): received is readonly Uint8Array[] | readonly string[] {
  return Array.isArray(received);
}

/** Header bytes are Latin-1, both ways. */
function textOf(text: string | Uint8Array | undefined): string {
  if (typeof text === 'string') return text;
  if (text === undefined) return '';
  if (Buffer.isBuffer(text)) return text.toString('latin1');
  const bytes = Buffer.isBuffer(text)
    ? text
    : Buffer.from(text.buffer, text.byteOffset, text.byteLength);
  return bytes.toString('latin1');
}
