import type { Vault } from '@morag/crypto';
import type { TestResult, Vendors } from '../connector/vendors.ts';
import type { HealthStore } from '../health/health.store.ts';
import type { HealthCheck } from '../health/health.ts';
import { type CheckAddressDeps, checkSyntax } from './check-address.ts';
import { getServer } from './get-server.ts';
import type { ServerStore } from './server.store.ts';
import type { Scope, ServerAddress } from './server.ts';
import { openSecrets, type Secrets } from './server-secrets.ts';

/** See testStoredServer. */
export interface TestConnectionDeps {
  readonly store: Pick<ServerStore, 'find' | 'activate'>;
  readonly healthStore: Pick<HealthStore, 'writeTest'>;
  /** Told of a stored server that was tested: its health may have to be judged anew. */
  readonly onTested: (serverId: string) => void;
  readonly vendors: Pick<Vendors, 'test'>;
  readonly vault: Vault;
  readonly clock: () => Date;
}

/** When the caller names no deadline. */
export const TEST_TIMEOUT_MS = 5_000;

/**
 * Tests a stored server. A success activates it, unless it was changed while the test ran: what was tested is not what
 * stands there then.
 */
export async function testStoredServer(
  { store, healthStore, onTested, vendors, vault, clock }: TestConnectionDeps,
  { id, scope, timeoutMs }: { id: string; scope: Scope; timeoutMs: number },
  signal: AbortSignal,
): Promise<TestResult> {
  const server = await getServer(store, id, scope);
  const result = await vendors.test(server, openSecrets(vault, server), { signal, timeoutMs });
  const at = clock();
  if (result.success) await store.activate(id, server.revision, at);
  await healthStore.writeTest(toCheck(id, result, at));
  onTested(id);
  return result;
}

/** Tests a configuration that is not saved. A host that is not allowed is a failed test, as for a stored server. */
export async function testUnsavedServer(
  deps: Pick<CheckAddressDeps, 'vendors'>,
  { address, secrets, timeoutMs }: { address: ServerAddress; secrets: Secrets; timeoutMs: number },
  signal: AbortSignal,
): Promise<TestResult> {
  await checkSyntax(deps, address);
  return deps.vendors.test(address, secrets, { signal, timeoutMs });
}

function toCheck(serverId: string, result: TestResult, checkedAt: Date): Omit<HealthCheck, 'id'> {
  const { version, collectionsCount } = result.serverInfo ?? {};
  return {
    serverId,
    status: result.success ? 'HEALTHY' : 'UNHEALTHY',
    checkedAt,
    latencyMs: result.responseTimeMs,
    errorCategory: result.failure?.phase.toLowerCase() ?? '',
    serverVersion: typeof version === 'string' ? version : '',
    collectionsCount: typeof collectionsCount === 'number' ? collectionsCount : null,
    storageBytes: null,
  };
}
