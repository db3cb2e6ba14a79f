import { type Category, ConnectorError, codedCause, isTlsCode, type VectorConnector } from '@morag/connectors-core';
import { type Egress, EgressDenied } from '@morag/egress';
import { createConnector, type ServerConfig } from './create-connector.ts';

/** How far a connection test came. */
export type Phase =
  | 'EGRESS'
  | 'DNS'
  | 'TCP'
  | 'TLS'
  | 'AUTH'
  | 'PERMISSION'
  | 'PROTOCOL'
  | 'VERSION'
  | 'NOT_FOUND'
  | 'TIMEOUT';

/** A failed test is an answer like any other. */
export interface ConnectionTest {
  readonly success: boolean;
  /** One line for people. */
  readonly message: string;
  readonly responseTimeMs: number;
  /** On success. */
  readonly serverInfo?: ConnectedServer;
  readonly failure?: { readonly phase: Phase; readonly detail: string };
}

/** What a server tells of itself. */
export interface ConnectedServer {
  readonly version: string;
  readonly edition?: string;
  readonly nodesCount?: number;
  readonly collectionsCount?: number;
  readonly storageSizeBytes?: number;
  readonly warnings?: readonly string[];
}

export interface TestOptions {
  readonly egress: Egress;
  readonly signal?: AbortSignal;
  /** Of the whole test. */
  readonly timeoutMs?: number;
}

/** Why a test ended, for `failure`. */
class Failed extends Error {
  readonly phase: Phase;

  constructor(phase: Phase, detail: string) {
    super(detail);
    this.phase = phase;
  }
}

const TIMEOUT_MS = 5_000;
/** Of what is left of the time, for what is nice to know. */
const DETAILS_SHARE = 0.5;

const PHASE_OF_CATEGORY: Readonly<Partial<Record<Category, Phase>>> = {
  unauthenticated: 'AUTH',
  permission_denied: 'PERMISSION',
  not_found: 'NOT_FOUND',
  unsupported: 'VERSION',
  timeout: 'TIMEOUT',
  host_denied: 'EGRESS',
};

/**
 * Tries a server step by step and names the first that fails. Rejects only when the type is not part of this build,
 * when `config` is invalid, or when the caller gives up.
 */
export async function testConnection(server: ServerConfig, options: TestOptions): Promise<ConnectionTest> {
  const started = performance.now();
  const { egress, timeoutMs = TIMEOUT_MS } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  const elapsedMs = () => Math.round((performance.now() - started) * 10) / 10;
  let connector: VectorConnector | undefined;
  try {
    connector = await createConnector({ ...server, config: { ...server.config, retries: 0 } }, { egress });
    await reach(server, egress, signal);
    const remaining = () => ({ signal: options.signal, timeoutMs: Math.max(1, timeoutMs - elapsedMs()) });
    await speak(connector, server, { egress, signal }, remaining());
    const serverInfo = await ask(connector, remaining());
    const responseTimeMs = elapsedMs();
    const message = `Connected to ${server.type} ${serverInfo.version} in ${Math.round(responseTimeMs)} ms.`;
    return { success: true, message, responseTimeMs, serverInfo };
  } catch (error) {
    options.signal?.throwIfAborted();
    // Of `config`, and with it the caller's mistake; whatever the server refuses has a phase.
    if (error instanceof ConnectorError && connector === undefined && error.category !== 'host_denied') throw error;
    const { phase, message } = error instanceof Failed ? error : failureOf(error, timeout.aborted);
    return { success: false, message, responseTimeMs: elapsedMs(), failure: { phase, detail: message } };
  } finally {
    // Not awaited: a server that hangs must not hold the answer back.
    connector?.close().catch(() => undefined);
  }
}

/** Name, rules and socket, one after the other, so that each has its own failure. */
async function reach({ host, port }: ServerConfig, egress: Egress, signal: AbortSignal): Promise<void> {
  try {
    await egress.resolve(host, port, signal);
  } catch (error) {
    if (error instanceof EgressDenied) throw new Failed('EGRESS', error.message);
    if (signal.aborted) throw new Failed('TIMEOUT', 'The host name was not resolved in time.');
    throw new Failed('DNS', 'The host name is not known.');
  }
  try {
    (await egress.connect(host, port, { signal })).destroy();
  } catch (error) {
    if (signal.aborted) throw new Failed('TIMEOUT', 'The host does not answer.');
    const refused = codedCause(error)?.code === 'ECONNREFUSED';
    throw new Failed('TCP', refused ? 'Nothing listens at this port.' : 'No connection to this host and port.');
  }
}

async function speak(
  connector: VectorConnector,
  server: ServerConfig,
  parts: { egress: Egress; signal: AbortSignal },
  call: { timeoutMs: number },
): Promise<void> {
  try {
    await connector.ping(call);
  } catch (error) {
    const { phase, message } = failureOf(error, parts.signal.aborted);
    if (phase !== 'PROTOCOL') throw new Failed(phase, message);
    // Some servers only hang up on the wrong kind of greeting.
    if (server.tls !== 'DISABLED' && isHangUp(error)) throw new Failed('TLS', 'The server does not speak TLS.');
    if (server.tls === 'DISABLED' && (await speaksTls(server, parts))) {
      throw new Failed('TLS', 'The server expects TLS.');
    }
    throw new Failed(phase, message);
  }
}

/** What the server tells; only its version is needed. */
async function ask(
  connector: VectorConnector,
  call: { signal?: AbortSignal; timeoutMs: number },
): Promise<ConnectedServer> {
  const { version, edition, nodes, warnings } = await connector.info(call);
  const details = { ...call, timeoutMs: Math.max(1, call.timeoutMs * DETAILS_SHARE) };
  const stats = await connector.serverStats(details).catch(() => undefined);
  return {
    version,
    ...(edition !== undefined && { edition }),
    ...(nodes !== undefined && { nodesCount: nodes }),
    ...(stats && { collectionsCount: stats.collections }),
    ...(stats?.sizeBytes !== undefined && { storageSizeBytes: stats.sizeBytes }),
    ...(warnings.length > 0 && { warnings }),
  };
}

function failureOf(error: unknown, timedOut: boolean): { phase: Phase; message: string } {
  if (!(error instanceof ConnectorError)) throw error;
  if (timedOut) return { phase: 'TIMEOUT', message: 'No answer in time.' };
  if (isTlsCode(error.vendorCode)) return { phase: 'TLS', message: error.message };
  // The registered port was reached: this is another one that the vendor needs.
  if (error.vendorCode === 'ECONNREFUSED') return { phase: 'TCP', message: error.message };
  return { phase: PHASE_OF_CATEGORY[error.category] ?? 'PROTOCOL', message: error.message };
}

function isHangUp(error: unknown): boolean {
  return error instanceof ConnectorError && error.category === 'unavailable' && error.httpStatus === undefined;
}

async function speaksTls(
  { host, port }: ServerConfig,
  { egress, signal }: { egress: Egress; signal: AbortSignal },
): Promise<boolean> {
  try {
    (await egress.connect(host, port, { tls: { rejectUnauthorized: false }, signal })).destroy();
    return true;
  } catch {
    return false;
  }
}
