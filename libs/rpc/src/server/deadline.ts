import { parseTimeout as parseConnectTimeout } from '@connectrpc/connect/protocol-connect';
import { parseTimeout as parseGrpcTimeout } from '@connectrpc/connect/protocol-grpc';

const CONNECT_HEADER = 'connect-timeout-ms';
const GRPC_HEADER = 'grpc-timeout';

/** Bounds of a deadline. */
export interface DeadlineBounds {
  /** For calls that name none; undefined leaves them without. */
  readonly deadlineMsDefault: number | undefined;
  readonly deadlineMsMax: number;
}

/**
 * Gives a call without a deadline the default one and shortens one that is too long, in the header where the RPC library
 * reads it: so the library's own timer, signal and `timeoutMs()` are all there is. A malformed header is left for it to
 * refuse.
 */
export function boundDeadline(header: Headers, { deadlineMsDefault, deadlineMsMax }: DeadlineBounds): void {
  const isGrpc = header.get('content-type')?.startsWith('application/grpc') ?? false;
  const name = isGrpc ? GRPC_HEADER : CONNECT_HEADER;
  const given = header.get(name);
  if (given === null) {
    if (deadlineMsDefault !== undefined) header.set(name, format(deadlineMsDefault, isGrpc));
    return;
  }
  const parse = isGrpc ? parseGrpcTimeout : parseConnectTimeout;
  const { timeoutMs } = parse(given, Number.MAX_SAFE_INTEGER);
  if (timeoutMs !== undefined && timeoutMs > deadlineMsMax) header.set(name, format(deadlineMsMax, isGrpc));
}

function format(ms: number, isGrpc: boolean): string {
  if (!isGrpc) return String(ms);
  // gRPC allows eight digits and then another unit.
  return ms < 1e8 ? `${ms}m` : `${Math.floor(ms / 1000)}S`;
}
