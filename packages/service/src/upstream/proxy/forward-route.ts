import type { IncomingMessage } from 'node:http';

import type { ResolvedUpstream, ResolvedUpstreamRoute } from '../../config/index.ts';
import type { Forwarded, ForwardCall, RawAnswerHeaders } from './call.ts';
import { RequestHeaders } from './request-headers.ts';
import { ResponseHeaders } from './response-headers.ts';
import { targetPath, type TargetPath } from './target-path.ts';
import type { IsTrusted } from './trusted-peers.ts';
import type { Upstream } from './upstream.ts';

/** What the server knows of a request beyond its headers. */
export interface RequestFacts {
  /** `host:port` of the target. */
  readonly authority: string;
  readonly requestId: string;
  /** What is left of its time, in ms; undefined: it has no end. */
  readonly deadlineMs: number | undefined;
}

export interface ForwardRouteParts {
  readonly upstream: Upstream;
  /** Of the upstream. */
  readonly config: ResolvedUpstream;
  readonly isTrusted: IsTrusted;
}

/** A route to an upstream: what its requests and answers look like on the other side. */
export class ForwardRoute {
  readonly #upstream: Upstream;
  readonly #path: TargetPath;
  readonly #requestHeaders: RequestHeaders;
  readonly #responseHeaders: ResponseHeaders;
  readonly #isTrusted: IsTrusted;

  constructor(route: ResolvedUpstreamRoute, { upstream, config, isTrusted }: ForwardRouteParts) {
    this.#upstream = upstream;
    this.#path = targetPath(route);
    this.#isTrusted = isTrusted;
    const { host, forwarded, via } = config;
    this.#requestHeaders = new RequestHeaders({
      host,
      forwarded,
      via,
      edits: route.requestHeaders,
    });
    this.#responseHeaders = new ResponseHeaders({ via, edits: route.responseHeaders });
  }

  /** Path and query for the target; undefined for a path that could mean another one there. */
  pathFor(url: string, params: Readonly<Record<string, string>>): string | undefined {
    return this.#path(url, params);
  }

  requestHeaders({ rawHeaders, socket }: IncomingMessage, facts: RequestFacts): string[] {
    const { remoteAddress } = socket;
    return this.#requestHeaders.of(rawHeaders, {
      ...facts,
      remoteAddress,
      trusted: this.#isTrusted(remoteAddress),
      protocol: 'http',
    });
  }

  answerHeaders(raw: RawAnswerHeaders): string[] {
    return this.#responseHeaders.of(raw);
  }

  forward(call: ForwardCall): Promise<Forwarded> {
    return this.#upstream.forward(call);
  }
}
