export {
  type AddressPolicy,
  type AddressPolicyOptions,
  createAddressPolicy,
  maxUrlLength,
  type UrlRefusalCode,
  type UrlVerdict,
} from './address-policy.ts';
export type { ResolvedAddress, Resolver } from './resolver.ts';
export {
  createTransport,
  type OutgoingRequest,
  type Transport,
  type TransportOptions,
  type TransportStats,
} from './transport.ts';
