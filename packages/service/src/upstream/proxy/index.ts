export { Forwarded } from './call.ts';
export type { ForwardCall, ForwardUpgrade, RawAnswerHeaders } from './call.ts';
export { ForwardRoute } from './forward-route.ts';
export { authorityOf } from './target-path.ts';
export { Upstream } from './upstream.ts';
export type { UpstreamStats } from './upstream.ts';
