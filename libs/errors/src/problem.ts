import { ViolationsSchema } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import type { ConnectError } from '@connectrpc/connect';
import { codeToString } from '@connectrpc/connect/protocol-connect';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from '@morag/gen/google/rpc/error_details_pb.ts';
import { httpStatus, titleOf } from './codes.ts';
import { reasonOf } from './connect-error.ts';
import { REASONS, type ReasonEntry } from './reasons.ts';
import { fromValidateProto, type Violation } from './violations.ts';

/** Body of an HTTP error, RFC 9457 `application/problem+json`. */
export interface Problem {
  /** `urn:morag:error:<REASON>`: what a client branches on. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** For people; may change. */
  readonly detail: string;
  /** The RPC code in lower snake case, `not_found`. */
  readonly code: string;
  readonly requestId: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly violations?: readonly Violation[];
}

/** Clients branch on `type`; `detail` is for people and may change. */
export function toProblem(error: ConnectError, requestId: string): Problem {
  const info = error.findDetails(ErrorInfoSchema)[0];
  const violations = violationsOf(error);
  return {
    type: info === undefined ? 'about:blank' : `urn:morag:error:${info.reason}`,
    title: titleOf(error.code),
    status: httpStatusOf(error),
    detail: error.rawMessage,
    code: codeToString(error.code),
    requestId,
    ...(info !== undefined && Object.keys(info.metadata).length > 0 && { metadata: info.metadata }),
    ...(violations.length > 0 && { violations }),
  };
}

/** HTTP status of an error: its reason's own, or that of its code. */
export function httpStatusOf(error: ConnectError): number {
  const reason = reasonOf(error);
  const entry: ReasonEntry | undefined = reason && REASONS[reason];
  return entry?.http ?? httpStatus(error.code);
}

/** The fields at fault, from `google.rpc.BadRequest` and from protovalidate's own detail. */
export function violationsOf(error: ConnectError): Violation[] {
  return [
    ...error
      .findDetails(BadRequestSchema)
      .flatMap(({ fieldViolations }) => fieldViolations.map(({ field, description }) => ({ field, description }))),
    ...error.findDetails(ViolationsSchema).flatMap(fromValidateProto),
  ];
}

/** Value of the header `Retry-After`: whole seconds, at least one; undefined when the error names no delay. */
export function retryAfterSeconds(error: ConnectError): number | undefined {
  const delay = error.findDetails(RetryInfoSchema)[0]?.retryDelay;
  return delay && Math.max(1, Number(delay.seconds) + Math.ceil(delay.nanos / 1e9));
}
