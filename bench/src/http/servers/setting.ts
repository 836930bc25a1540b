/** What every server here answers, so that they differ only in what they do around it. */
export const BODY = 'Success';

/** Fastify's own for a string. */
export const CONTENT_TYPE = 'text/plain; charset=utf-8';

export const PATH = '/work';

/** Requests that are worked on at once, and those that may wait. */
export const LANES = 64;
export const QUEUE = 1000;

/** Requests per second that no machine answers. */
export const UNLIMITED = 1_000_000_000;

/** Time for an answer, in ms. */
export const TIMEOUT_MS = 10_000;

/** Keep-alive connections of a proxy to its upstream: as many as clients keep to the proxy. */
export const UPSTREAM_CONNECTIONS = 64;
