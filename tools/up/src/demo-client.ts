import { setTimeout as pause } from 'node:timers/promises';
import { inspect } from 'node:util';

/** A copy of the demonstration's database. */
export interface DemoPlacement {
  /** The name of its server. */
  readonly server: string;
  readonly isPrimary: boolean;
  readonly state: string;
}

/** Reads and writes that go on. */
export interface DemoLoad {
  counts(): { reads: number; failedReads: number; acknowledged: number; waitingWrites: number };
  /** Why the first read failed that did. */
  firstFailure(): string | undefined;
  acknowledgedIds(): readonly string[];
  /** Returns when all are answered. */
  stop(): Promise<void>;
}

/** What the demonstration asks of the gateway, over HTTP as anybody would. */
export interface DemoClient {
  /** A database with its primary on the first of these servers and a replica on each other; answers its path. */
  newDatabase(registrations: readonly object[]): Promise<string>;
  placements(database: string): Promise<readonly DemoPlacement[]>;
  startLoad(database: string, perSecond: { readonly reads: number; readonly writes: number }): DemoLoad;
  /** How many of these records are not there. */
  missing(database: string, ids: readonly string[]): Promise<number>;
}

type Body = Readonly<Record<string, unknown>>;

const IDS_AT_ONCE = 100;

/** Signs in. */
export async function createDemoClient(
  gateway: string,
  { email, password }: { readonly email: string; readonly password: string },
): Promise<DemoClient> {
  let authorization = '';
  const names = new Map<string, string>();
  const call = async (method: string, path: string, body?: unknown): Promise<Body> => {
    const headers = { 'content-type': 'application/json', authorization };
    const content = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(gateway + path, { method, headers, ...content });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Body;
  };
  authorization = `Bearer ${String((await call('POST', '/v1/auth/login', { email, password })).accessToken)}`;

  return {
    async newDatabase(registrations) {
      const serverIds: string[] = [];
      for (const registration of registrations) {
        const { id, name } = await call('POST', '/v1/servers', registration);
        await call('POST', `/v1/servers/${String(id)}:testConnection`, {});
        names.set(String(id), String(name));
        serverIds.push(String(id));
      }
      const [first, ...others] = serverIds;
      const { id } = await call('POST', '/v1/databases', { name: 'demonstration', serverId: first, dimension: 3 });
      for (const serverId of others) await call('POST', `/v1/databases/${String(id)}/placements`, { serverId });
      return `/v1/databases/${String(id)}`;
    },
    async placements(database) {
      const { placements } = await call('GET', `${database}/placements`);
      return (placements as Record<string, string>[]).map(({ serverId = '', role, state = '' }) => ({
        server: names.get(serverId) ?? serverId,
        isPrimary: role === 'PRIMARY',
        state,
      }));
    },
    startLoad: (database, perSecond) => startLoad(call, database, perSecond),
    async missing(database, ids) {
      let found = 0;
      for (let at = 0; at < ids.length; at += IDS_AT_ONCE) {
        // A replica may be a moment behind what the primary has acknowledged.
        const request = { ids: ids.slice(at, at + IDS_AT_ONCE), readPolicy: 'PRIMARY' };
        found += ((await call('POST', `${database}/records:fetch`, request)).records as unknown[]).length;
      }
      return ids.length - found;
    },
  };
}

function startLoad(
  call: (method: string, path: string, body: unknown) => Promise<Body>,
  database: string,
  perSecond: { readonly reads: number; readonly writes: number },
): DemoLoad {
  const counts = { reads: 0, failedReads: 0, acknowledged: 0, waitingWrites: 0 };
  const ids: string[] = [];
  let firstFailure: string | undefined;
  const stopping = new AbortController();
  const read = async (): Promise<void> => {
    counts.reads++;
    const query = { vector: [1, 2, 3], topK: 3 };
    await call('POST', `${database}/records:query`, query).catch((error: unknown) => {
      counts.failedReads++;
      firstFailure ??= inspect(error);
    });
  };
  const write = async (n: number): Promise<void> => {
    counts.waitingWrites++;
    const records = [{ id: `r${n}`, vector: [1, n, 2] }];
    try {
      await call('POST', `${database}/records:upsert`, { records });
      counts.acknowledged++;
      ids.push(`r${n}`);
    } catch {
      // Not acknowledged: it may be there or not.
    } finally {
      counts.waitingWrites--;
    }
  };
  const repeat = async (rate: number, work: (n: number) => Promise<void>): Promise<void> => {
    const underWay: Promise<void>[] = [];
    for (let n = 0; !stopping.signal.aborted; n++) {
      underWay.push(work(n));
      await pause(1_000 / rate, undefined, { signal: stopping.signal }).catch(() => {});
    }
    await Promise.all(underWay);
  };
  const loops = [repeat(perSecond.reads, read), repeat(perSecond.writes, write)];
  return {
    counts: () => ({ ...counts }),
    acknowledgedIds: () => ids,
    firstFailure: () => firstFailure,
    async stop() {
      stopping.abort();
      await Promise.all(loops);
    },
  };
}
