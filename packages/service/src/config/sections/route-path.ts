import { z } from 'zod';

const LITERAL = /^[\p{L}\p{N}\p{M}\-._~!$&'()+,;=@]+$/u;
const PARAMETER = /^:[A-Za-z_]\w*$/;
const LONGEST = 1000;

/** The paths that are the service's own: its probes, its metrics, its counts. */
export const RESERVED_PATHS: readonly string[] = ['/livez', '/readyz', '/metrics', '/stats'];

/** These would be set on an object of parameters, not in it. */
const FORBIDDEN_PARAMETERS = new Set([':__proto__', ':constructor', ':prototype']);

/**
 * A path that the router takes and that a client can reach: segments of plain text, `:name` for any
 * one segment, `*` as the last for any rest. It is compared with the decoded path of the request.
 */
export const pathSchema: z.ZodType<string, string> = checked(problemOf);

/**
 * What becomes of a path: written as the path of a route is, with parameters of it. Any path is
 * right, as it is the target's.
 */
export const rewriteSchema: z.ZodType<string, string> = checked(shapeProblemOf);

/** The parameters in the path of a route, or in what it is rewritten to, without their `:`; and `*`. */
export function parametersOf(path: string): readonly string[] {
  return path
    .split('/')
    .filter((segment) => segment.startsWith(':') || segment === '*')
    .map((segment) => segment.replace(':', ''));
}

/** The path with its parameters' names taken out: two routes with the same pattern take the same requests. */
export function patternOf(path: string): string {
  return path.replaceAll(/:\w+/g, ':');
}

/** What a path should be, and what to do about it. */
type PathProblem = readonly [string, string?] | undefined;

function checked(find: (path: string) => PathProblem): z.ZodType<string, string> {
  return z.string({ error: 'a path that starts with "/"' }).superRefine((path, context) => {
    const [expected, remedy] = find(path) ?? [];
    if (expected !== undefined) {
      context.addIssue({ code: 'custom', message: expected, params: { remedy } });
    }
  });
}

function problemOf(path: string): PathProblem {
  if (RESERVED_PATHS.includes(path)) {
    return [`a path other than the service's own (${RESERVED_PATHS.join(', ')})`];
  }
  return shapeProblemOf(path);
}

function shapeProblemOf(path: string): PathProblem {
  if (!path.startsWith('/')) return ['a path that starts with "/"'];
  if (path.length > LONGEST) return [`a path of at most ${LONGEST} characters`];
  if (path.includes('%')) {
    return ['a path as it reads once decoded', 'write the character itself, not its %-code'];
  }
  const segments = path.slice(1).split('/');
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1;
    const problem = problemOfSegment(segment, isLast);
    if (problem) return problem;
  }
  const parameters = segments.filter((segment) => segment.startsWith(':'));
  return new Set(parameters).size < parameters.length
    ? ['a path whose parameters have different names']
    : undefined;
}

function problemOfSegment(segment: string, isLast: boolean): PathProblem {
  if (segment === '')
    return isLast ? undefined : ['a path without empty segments', 'take out one "/"'];
  if (segment === '.' || segment === '..') return ['a path without "." and ".." segments'];
  if (segment.includes('*')) {
    if (segment === '*' && isLast) return undefined;
    return ['a path with "*" only as its last segment', 'use :name for a single segment'];
  }
  if (segment.includes(':')) {
    const right = PARAMETER.test(segment) && !FORBIDDEN_PARAMETERS.has(segment);
    return right ? undefined : ['a path in which :name takes a whole segment', 'as in /orders/:id'];
  }
  return LITERAL.test(segment) ? undefined : ["a path of letters, digits and -._~!$&'()+,;=@"];
}
