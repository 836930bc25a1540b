import { optionsSchema, type HandlerFunction } from './handler.ts';
import type { CommonRouteConfig, HttpMethod, ResolvedCommonRoute } from './route-common.ts';

/** How a handler gets the request's body. `stream` is for bodies that should not be held in memory. */
export type BodyKind = 'json' | 'text' | 'bytes' | 'stream';

/** A route that a handler of this process answers. `H` is the type of a handler given in code. */
export interface HandlerRouteConfig<H = HandlerFunction> extends CommonRouteConfig {
  /** One method, or a list of them. `GET` answers HEAD as well. @default 'GET' */
  readonly method?: HttpMethod | readonly HttpMethod[] | undefined;
  /**
   * What answers. In a file `./orders.ts#create`, relative to that file (`default` is the export if
   * none is named), or a handler of sluice: `builtin:simulated-work`, `builtin:digest`.
   */
  readonly handler: H | string;
  /** Handed to the handler. For `builtin:simulated-work`: `{ durationMs: 100 }`. @default {} */
  readonly options?: Readonly<Record<string, unknown>> | undefined;
  /**
   * Name of a pool. A route that names none runs on the pool `default`, which has 100 lanes and 1000
   * places to wait unless the configuration has one of that name. @default none
   */
  readonly pool?: string | undefined;
  /** Time from admission to the answer, in ms. @default 10000 */
  readonly timeoutMs?: number | undefined;
  /** How the handler gets the body. @default 'json' */
  readonly body?: BodyKind | undefined;
  /** Status of an answer for which the handler set none. 200 to 299. @default 200 */
  readonly successStatus?: number | undefined;
  readonly upstream?: undefined;
}

/** `pool` is missing where there is none; what it names exists. */
export interface ResolvedHandlerRoute<H = HandlerFunction> extends ResolvedCommonRoute {
  readonly handler: H | string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly pool?: string;
  readonly body: BodyKind;
  readonly successStatus: number;
  readonly upstream?: undefined;
}

/** The options with the defaults of a built-in handler filled in; wrong ones are left as they are. */
export function completeOptions(
  handler: unknown,
  options: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const parsed = optionsSchema(handler)?.safeParse(options);
  return parsed?.success === true ? parsed.data : options;
}
