export { TokenBucket } from './token-bucket.ts';
export type { TokenBucketOptions, TokenBucketStats } from './token-bucket.ts';
