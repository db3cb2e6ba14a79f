import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createLogger } from '@morag/telemetry';
import { createLogSink, createTestDatabase, eventually } from '@morag/testing';
import { createOrm, type Database, query } from './database.ts';
import { OutboxEvent } from './outbox.entity.ts';
import { appendEvent, dropOldEvents } from './outbox.ts';
import { createOutboxRelay, type DeliveredEvent, type OutboxRelay, type OutboxRelayOptions } from './outbox-relay.ts';

let test: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Database;
const relays: OutboxRelay[] = [];
const sink = createLogSink();
const logger = createLogger({ level: 'warn', service: 'test', stream: sink });

beforeAll(async () => {
  test = await createTestDatabase();
  const pool = { size: 2, overflow: 10 };
  const entities = [OutboxEvent];
  db = await createOrm({ url: test.url, schema: 'svc', service: 'svc', entities, migrationsFolder: '', pool });
  await db.orm.schema.create();
});

beforeEach(async () => {
  await db.write('truncate outbox_events restart identity');
});

afterEach(async () => {
  await Promise.all(relays.splice(0).map((relay) => relay.stop()));
});

afterAll(async () => {
  await db.close();
  await test.drop();
});

function startRelay(deliver: OutboxRelayOptions['deliver'], rest: Partial<OutboxRelayOptions> = {}): void {
  const relay = createOutboxRelay({ db, deliver, logger, ...rest });
  relays.push(relay);
  relay.start();
}

/** Starts a relay that notes what it delivers, `key:payload`. */
function startRecorder(rest: Partial<OutboxRelayOptions> = {}): string[] {
  const delivered: string[] = [];
  startRelay(async ({ key, payload }) => void delivered.push(`${key}:${JSON.stringify(payload)}`), rest);
  return delivered;
}

const append = (key: string, payload: unknown): Promise<void> =>
  db.transaction((em) => appendEvent(em, { key, type: 'test', payload }));

describe('an event', () => {
  it('is delivered soon after its transaction commits, then gone', async () => {
    const delivered = startRecorder({ pollMs: 60_000 });
    await append('warm', 0);
    await eventually(() => expect(delivered).toEqual(['warm:0']), { timeoutMs: 10_000 });
    const start = performance.now();
    await append('a', { n: 1 });
    await eventually(() => expect(delivered).toEqual(['warm:0', 'a:{"n":1}']), { intervalMs: 2 });
    // By notification, not by the poll, which is a minute away.
    expect(performance.now() - start).toBeLessThan(30_000);
    await eventually(async () => expect(await db.read('select 1 from outbox_events')).toEqual([]));
  });

  it('is never delivered when its transaction rolls back', async () => {
    const rolledBack = db.transaction(async (em) => {
      await appendEvent(em, { key: 'a', type: 'test', payload: 'never' });
      throw new Error('no');
    });
    await expect(rolledBack).rejects.toThrow('no');
    await append('a', 'yes');
    const delivered = startRecorder();
    await eventually(async () => expect(await db.read('select 1 from outbox_events')).toEqual([]));
    expect(delivered).toEqual(['a:"yes"']);
  });

  it('demands a transaction', async () => {
    await expect(appendEvent(db.fork(), { key: 'a', type: 'test', payload: 1 })).rejects.toThrow('in the transaction');
  });
});

describe('order', () => {
  it('survives a later number that commits first', async () => {
    const delivered = startRecorder({ pollMs: 100 });
    const aAppended = Promise.withResolvers<void>();
    const bSeen = Promise.withResolvers<void>();
    const a = db.transaction(async (em) => {
      await appendEvent(em, { key: 'a', type: 'test', payload: 'first number' });
      aAppended.resolve();
      await bSeen.promise;
    });
    await aAppended.promise;
    await append('b', 'second number');
    await eventually(() => expect(delivered).toEqual(['b:"second number"']));
    bSeen.resolve();
    await a;
    await eventually(() => expect(delivered).toEqual(['b:"second number"', 'a:"first number"']));
  });

  it('of one key is the order of commits, with many writers and several relays', async () => {
    const delivered = [startRecorder({ pollMs: 50 }), startRecorder({ pollMs: 50 })];
    const keys = ['k1', 'k2', 'k3'];
    await db.write('create table if not exists counters (key text primary key, n int)');
    await db.write('insert into counters select unnest($1::text[]), 0 on conflict do nothing', [keys]);
    const write = (key: string): Promise<void> =>
      db.transaction(async (em) => {
        const [row] = await query<{ n: number }>(em, 'update counters set n = n + 1 where key = $1 returning n', [key]);
        await appendEvent(em, { key, type: 'test', payload: row?.n });
      });
    await Promise.all(Array.from({ length: 60 }, (_, at) => write(keys[at % 3] ?? '')));
    await eventually(() => expect(delivered.flat()).toHaveLength(60), { timeoutMs: 20_000 });
    expect(new Set(delivered.flat()).size).toBe(60);
    for (const list of delivered) {
      for (const key of keys) {
        const numbers = list.filter((text) => text.startsWith(key)).map((text) => Number(text.split(':')[1]));
        expect(numbers).toEqual(numbers.toSorted((x, y) => x - y));
      }
    }
  });
});

describe('a delivery', () => {
  it('that fails is repeated, and holds back its own key alone', async () => {
    const delivered: string[] = [];
    await append('bad', 1);
    await append('bad', 2);
    await append('good', 1);
    startRelay(
      async ({ key, payload, attempt }: DeliveredEvent) => {
        if (key === 'bad' && attempt < 3) throw new Error('not yet');
        delivered.push(`${key}:${String(payload)}:${attempt}`);
      },
      { pollMs: 20 },
    );
    await eventually(() => expect(delivered).toEqual(['good:1:1', 'bad:1:3', 'bad:2:3']), { timeoutMs: 10_000 });
    expect(sink.lines).toContainEqual(expect.objectContaining({ msg: 'an event was not delivered', key: 'bad' }));
  });

  it('of a relay that died is taken over', async () => {
    await append('a', 1);
    await db.write(
      "update outbox_events set lease_id = gen_random_uuid(), attempts = 1, due_at = now() + interval '300 ms'",
    );
    const attempts: number[] = [];
    startRelay(async ({ attempt }) => void attempts.push(attempt), { pollMs: 20 });
    await eventually(() => expect(attempts).toEqual([2]));
  });

  it('is told to stop when its lease is over, and when the service stops', async () => {
    await append('a', 1);
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    startRelay(async (_event, signal) => {
      begin();
      const { promise, reject } = Promise.withResolvers<never>();
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      return promise;
    });
    await begun;
    await relays[0]?.stop();
    expect(await db.read('select attempts, lease_id from outbox_events')).toEqual([{ attempts: 1, lease_id: null }]);
  });
});

describe('old events of a key', () => {
  const drop = (max: number): Promise<number> => db.transaction((em) => dropOldEvents(em, { key: 'a', max }));
  const left = (): Promise<unknown[]> => db.read('select key, payload from outbox_events order by seq');

  it('are given up beyond a number, the oldest first, and no other key’s', async () => {
    for (const payload of [1, 2, 3]) await append('a', payload);
    await append('b', 1);
    expect(await drop(3)).toBe(0);
    expect(await drop(1)).toBe(2);
    expect(await left()).toEqual([
      { key: 'a', payload: 3 },
      { key: 'b', payload: 1 },
    ]);
  });

  it('are not given up while they are being delivered', async () => {
    for (const payload of [1, 2, 3]) await append('a', payload);
    const leased = "lease_id = gen_random_uuid(), due_at = now() + interval '1 minute'";
    await db.write(`update outbox_events set ${leased} where payload = '1'`);
    expect(await drop(1)).toBe(1);
    expect(await left()).toMatchObject([{ payload: 1 }, { payload: 3 }]);
    await db.write("update outbox_events set due_at = now() where payload = '1'");
    expect(await drop(1)).toBe(1);
    expect(await left()).toMatchObject([{ payload: 3 }]);
  });
});

it('goes on after PostgreSQL cut every connection', async () => {
  const delivered = startRecorder({ pollMs: 50 });
  await append('a', 1);
  await eventually(() => expect(delivered).toEqual(['a:1']));
  await eventually(async () => expect(await db.read('select 1 from outbox_events')).toEqual([]));
  await db.read(
    "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and application_name = 'morag-svc'",
  );
  await eventually(() => append('a', 2));
  await eventually(() => expect(delivered).toEqual(['a:1', 'a:2']));
});
