/** An answer without success, in the words of the plane that gives it. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Of gRPC, which the data plane is a translation of. */
const GRPC_CODES: Readonly<Record<string, number>> = {
  INVALID_ARGUMENT: 3,
  NOT_FOUND: 5,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
};

export function invalid(message: string): Refusal {
  return new Refusal(400, 'INVALID_ARGUMENT', message);
}

/** `{status, error:{code, message}}` */
export function controlBody({ status, code, message }: Refusal): object {
  return { status, error: { code, message } };
}

/** `{code, message, details}` */
export function dataBody({ code, message }: Refusal): object {
  return { code: GRPC_CODES[code] ?? 2, message, details: [] };
}
