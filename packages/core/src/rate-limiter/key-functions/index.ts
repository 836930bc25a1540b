export { apiKey, NO_API_KEY } from './api-key.ts';
export type { ApiKeyOptions } from './api-key.ts';
export { clientAddress, NO_ADDRESS } from './client-address.ts';
export type { ClientAddressOptions } from './client-address.ts';
export { headerKey } from './header-key.ts';
export type { KeyedRequest, KeyFunction, RoutePath } from './keyed-request.ts';
export { routeKey } from './route-key.ts';
export { trustedProxies } from './trusted-proxies.ts';
export type { IsTrustedProxy } from './trusted-proxies.ts';
