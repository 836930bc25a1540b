import type { IsTrustedProxy } from '@sluice/core';

import type { ResolvedUpstream, ResolvedUpstreamRoute } from '../../config/index.ts';
import type { Forwarded, ForwardCall, RawAnswerHeaders } from './call.ts';
import { RequestHeaders, type RequestFacts } from './request-headers.ts';
import { ResponseHeaders } from './response-headers.ts';
import { targetPath, type TargetPath } from './target-path.ts';
import type { Upstream } from './upstream.ts';

export interface ForwardRouteParts {
  readonly upstream: Upstream;
  /** Of the upstream. */
  readonly config: ResolvedUpstream;
  readonly isTrusted: IsTrustedProxy;
}

/** A route to an upstream: what its requests and answers look like on the other side. */
export class ForwardRoute {
  readonly #upstream: Upstream;
  readonly #path: TargetPath;
  readonly #requestHeaders: RequestHeaders;
  readonly #responseHeaders: ResponseHeaders;
  /** Whether the word of a peer with this address is believed. */
  readonly isTrusted: IsTrustedProxy;
  readonly #namesTarget: boolean;

  constructor(route: ResolvedUpstreamRoute, { upstream, config, isTrusted }: ForwardRouteParts) {
    this.#upstream = upstream;
    this.#path = targetPath(route);
    this.isTrusted = isTrusted;
    const { host, forwarded, via } = config;
    this.#namesTarget = host === 'target';
    this.#requestHeaders = new RequestHeaders({
      host,
      forwarded,
      via,
      edits: route.requestHeaders,
    });
    this.#responseHeaders = new ResponseHeaders({ via, edits: route.responseHeaders });
  }

  /** Path and query for the target; undefined for a path that could mean another one there. */
  pathFor(url: string): string | undefined {
    return this.#path(url);
  }

  /** The headers for a target that knows itself as `authority`. */
  requestHeaders(
    raw: readonly string[],
    authority: string,
    facts: Omit<RequestFacts, 'isTrusted'>,
  ): string[] {
    const isTrusted = this.isTrusted(facts.peerAddress);
    const headers = this.#requestHeaders.of(raw, { ...facts, isTrusted });
    if (this.#namesTarget) headers.push('host', authority);
    return headers;
  }

  /** The headers for the client. Trailers are announced where they can be sent. */
  answerHeaders(raw: RawAnswerHeaders, canTrailer: boolean): string[] {
    const httpVersion = Array.isArray(raw) ? '1.1' : '2';
    return this.#responseHeaders.of(raw ?? [], { httpVersion, canTrailer });
  }

  forward(call: ForwardCall): Promise<Forwarded> {
    return this.#upstream.forward(call);
  }
}
