export type { RetryEvents, RetryOptions, RetryStats } from './options.ts';
export { Retry } from './retry.ts';
export { RetryBudget } from './retry-budget.ts';
export type { RetryBudgetOptions, RetryBudgetStats } from './retry-budget.ts';
export { isRetryable } from './retryable.ts';
