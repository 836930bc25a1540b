export { CLIENT_CLOSED, Endpoint, Endpoints } from './endpoints.ts';
export { createLogger, flushLog, logError } from './logger.ts';
export type { MetricSources } from './metric-families.ts';
export { createRegistry } from './prometheus.ts';
