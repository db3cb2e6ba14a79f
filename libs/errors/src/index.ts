export { httpStatus, titleOf } from './codes.ts';
export { reasonOf, toConnectError } from './connect-error.ts';
export { DomainError, type DomainErrorOptions } from './domain-error.ts';
export { httpStatusOf, type Problem, retryAfterSeconds, toProblem, violationsOf } from './problem.ts';
export { ERROR_DOMAIN, isPassing, isReasonName, REASONS, type ReasonEntry, type ReasonName } from './reasons.ts';
export type { Violation } from './violations.ts';
