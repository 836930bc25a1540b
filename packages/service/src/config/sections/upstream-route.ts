import type { HeaderEditsConfig, ResolvedHeaderEdits } from './header-edits.ts';
import type { CommonRouteConfig, HttpMethod, ResolvedCommonRoute } from './route-common.ts';

/** A route that goes to an upstream: requests are passed on, and so are the answers. */
export interface UpstreamRouteConfig extends CommonRouteConfig {
  /** One method, or a list of them. `GET` answers HEAD as well. @default all of them */
  readonly method?: HttpMethod | readonly HttpMethod[] | undefined;
  /** Name of an upstream. */
  readonly upstream: string;
  /** Taken off the path: of `/shop/*` this may be `/shop`. Ends where a segment does. @default none */
  readonly stripPrefix?: string | undefined;
  /**
   * The path that targets see, in place of `stripPrefix`: `/v2/items/:id` with the parameters of `path`, and
   * `*` as the last for what its `*` took. The query stays. @default none
   */
  readonly rewrite?: string | undefined;
  /** Time for the whole exchange, in ms; see the upstream's. @default the upstream's */
  readonly timeoutMs?: number | undefined;
  /** What targets see otherwise than it came. @default none: no edits */
  readonly requestHeaders?: HeaderEditsConfig | undefined;
  /** What clients see otherwise than it came. @default none: no edits */
  readonly responseHeaders?: HeaderEditsConfig | undefined;
  readonly handler?: undefined;
}

/** `stripPrefix` and `rewrite` are missing where there is none, and right for `path`; the upstream exists. */
export interface ResolvedUpstreamRoute extends ResolvedCommonRoute {
  readonly upstream: string;
  readonly stripPrefix?: string;
  readonly rewrite?: string;
  readonly requestHeaders: ResolvedHeaderEdits;
  readonly responseHeaders: ResolvedHeaderEdits;
  readonly handler?: undefined;
}

/** GET answers HEAD. */
export const ALL_METHODS: readonly HttpMethod[] = [
  'GET',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
];
