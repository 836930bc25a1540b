export { MetricsCollector } from './metrics-collector.ts';
export type { MetricsSnapshot } from './metrics-collector.ts';
