import {
  ALL_METHODS,
  RESERVED_PATHS,
  type ResolvedConfig,
  type ResolvedHandlerRoute,
  type ResolvedUpstreamRoute,
} from '../config/index.ts';
import { DEFAULT_POOL, DEFAULT_POOL_OPTIONS } from '../policies.ts';
import { limitText } from './limit-text.ts';
import { version } from './version.ts';

type Config = Pick<
  ResolvedConfig,
  'server' | 'limiters' | 'breakers' | 'pools' | 'upstreams' | 'routes'
>;
type Route = Config['routes'][number];

const OPERATIONS = 'operations';

/** One screen that says what runs where, and what to try next. */
export function startScreen(config: Config, url: string): string {
  const rows = config.routes.map((route) => [
    `${methodsOf(route)} ${route.path}`,
    chainOf(config, route),
  ]);
  const width = Math.max(OPERATIONS.length, ...rows.map(([route = '']) => route.length));
  const first = config.routes.find(({ method }) => method.includes('GET')) ?? config.routes[0];
  return [
    '',
    `  sluice ${version} on ${url}${reach(config.server.host)}  (Node ${process.versions.node}, process ${process.pid})`,
    '',
    ...rows.map(([route = '', chain]) => `  ${route.padEnd(width)}  ${chain}`),
    `  ${OPERATIONS.padEnd(width)}  ${RESERVED_PATHS.join('  ')}`,
    '',
    ...(first ? suggestions(first, url) : ['  There are no routes yet.']),
    '  Ctrl-C finishes what was accepted and stops; a second one ends at once.',
    '',
    '',
  ].join('\n');
}

/** Who can reach it, when that is more than this machine. */
function reach(host: string): string {
  return host === '0.0.0.0' || host === '::' ? ' and every address of this machine' : '';
}

/** As a route to an upstream has them unless it says which. */
function methodsOf({ method }: Route): string {
  return method.length === ALL_METHODS.length ? 'ANY' : method.join(',');
}

function chainOf(config: Config, route: Route): string {
  const limits = (route.limiter ?? []).map((name) => config.limiters[name]);
  const steps = [
    ...limits.map((limit) => limit && limitText(limit)),
    route.breaker === undefined ? undefined : `breaker ${route.breaker}`,
    ...(route.upstream === undefined ? handlerSteps(config, route) : upstreamSteps(config, route)),
  ];
  return steps.filter((step) => step !== undefined).join(' → ');
}

function handlerSteps(config: Config, { pool: name, handler }: ResolvedHandlerRoute): string[] {
  const pool = config.pools[name ?? DEFAULT_POOL] ?? DEFAULT_POOL_OPTIONS;
  const what = typeof handler === 'string' ? handler : 'handler';
  return [`${pool.size} lanes (queue ${pool.queue})`, what];
}

function upstreamSteps({ upstreams }: Config, { upstream: name }: ResolvedUpstreamRoute): string[] {
  const { targets = [] } = upstreams[name] ?? {};
  return [`upstream ${name} (${targets.length === 1 ? '1 target' : `${targets.length} targets`})`];
}

function suggestions({ method, path }: Route, url: string): readonly string[] {
  const target = `${url}${path}`;
  const verb = method.includes('GET') ? '' : `-X ${method[0]} `;
  const flag = method.includes('GET') ? '' : ` --method ${method[0]}`;
  return [
    `  Try it:     curl -i ${verb}${target}`,
    `  Load it:    npx sluice load ${target} --rate 1000${flag}`,
    `  Watch it:   curl ${url}/stats`,
  ];
}
