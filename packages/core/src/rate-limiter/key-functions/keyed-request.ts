/** What the key functions read of a request. Those of node:http, node:http2, Fastify and Express all fit. */
export interface KeyedRequest {
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly socket?: { readonly remoteAddress?: string | undefined } | null | undefined;
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** The URL as it came, before a router cut off what it is mounted at. Express and Fastify. */
  readonly originalUrl?: string | undefined;
  /** Fastify's route; its `url` is the pattern, undefined where no route matched. */
  readonly routeOptions?: { readonly url?: string | undefined } | undefined;
  /** Express's route, there once one matched; its `path` is the pattern. */
  readonly route?: { readonly path?: RoutePath | undefined } | undefined;
  /** What Express's router is mounted at. */
  readonly baseUrl?: string | undefined;
}

/** What an Express route can be declared by. */
export type RoutePath = string | RegExp | readonly (string | RegExp)[];

/** Names the key by which a request is limited: all requests of one key share one limit. */
export type KeyFunction<Request = KeyedRequest> = (request: Request) => string;
