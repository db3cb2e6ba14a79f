import { parseTimeout as parseConnectTimeout } from '@connectrpc/connect/protocol-connect';
import { parseTimeout as parseGrpcTimeout } from '@connectrpc/connect/protocol-grpc';
import type { Limits } from './limits.ts';

const CONNECT_HEADER = 'connect-timeout-ms';
const GRPC_HEADER = 'grpc-timeout';

/**
 * Gives a call without a deadline the default one and shortens one that is too long, in the header where the RPC library
 * reads it: so the library's own timer, signal and `timeoutMs()` are all there is. A malformed header is left for it to
 * refuse.
 */
export function boundDeadline(
  header: Headers,
  { deadlineMsDefault, deadlineMsMax }: Pick<Limits, 'deadlineMsDefault' | 'deadlineMsMax'>,
): void {
  const isGrpc = header.get('content-type')?.startsWith('application/grpc') ?? false;
  const name = isGrpc ? GRPC_HEADER : CONNECT_HEADER;
  const given = header.get(name);
  if (given === null) {
    header.set(name, format(deadlineMsDefault, isGrpc));
    return;
  }
  const parse = isGrpc ? parseGrpcTimeout : parseConnectTimeout;
  const { timeoutMs } = parse(given, Number.MAX_SAFE_INTEGER);
  if (timeoutMs !== undefined && timeoutMs > deadlineMsMax) header.set(name, format(deadlineMsMax, isGrpc));
}

function format(ms: number, isGrpc: boolean): string {
  return isGrpc ? `${ms}m` : String(ms);
}
