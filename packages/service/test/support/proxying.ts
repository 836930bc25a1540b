import type { Handler, ServiceConfig, ServiceOptions } from '../../src/index.ts';
import { listening, type Listening } from './listening.ts';

type Upstreams = NonNullable<ServiceConfig<Handler>['upstreams']>;
type Routes = NonNullable<ServiceConfig<Handler>['routes']>;

export interface Proxying {
  readonly upstream?: Partial<Upstreams[string]>;
  readonly route?: Partial<Routes[number]>;
  readonly config?: ServiceConfig<Handler>;
  readonly options?: ServiceOptions;
}

/** A service all of whose paths go to these targets. */
export function proxying(targets: readonly string[], more: Proxying = {}): Promise<Listening> {
  const { upstream = {}, route = {}, config = {}, options = {} } = more;
  return listening(
    {
      upstreams: { u: { targets, ...upstream } },
      routes: [{ path: '/*', upstream: 'u', ...route } as Routes[number]],
      ...config,
    },
    options,
  );
}
