export { parseHost, urlHost } from './address.ts';
export type { HttpTarget } from './dispatcher.ts';
export { AnswerRefused, EgressDenied } from './egress.error.ts';
export {
  type ConnectOptions,
  createEgress,
  type Egress,
  type EgressOptions,
  type TlsOptions,
  type VettedAddress,
} from './egress.ts';
export { type Answer, observing } from './observe.ts';
export type { Endpoint } from './policy.ts';
