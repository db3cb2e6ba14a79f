import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createTestDatabase, eventually } from '@morag/testing';
import { createOrm, type Database } from './database.ts';
import { IdempotencyKey } from './idempotency.entity.ts';
import { createIdempotencyStore, type IdempotentCall } from './idempotency-store.ts';

let test: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Database;
const call: IdempotentCall = { caller: 'u1', method: 'a.B/Create', requestId: 'r1', fingerprint: 'f1' };
const signal = AbortSignal.timeout(60_000);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (value: Uint8Array): string => new TextDecoder().decode(value);

beforeAll(async () => {
  test = await createTestDatabase();
  const pool = { size: 2, overflow: 6 };
  const entities = [IdempotencyKey];
  db = await createOrm({ url: test.url, schema: 'svc', service: 'svc', entities, migrationsFolder: '', pool });
  await db.orm.schema.create();
});

afterAll(async () => {
  await db.close();
  await test.drop();
});

beforeEach(async () => {
  await db.write('truncate idempotency_keys');
});

describe('a call with a request id', () => {
  it('runs once, however often and from wherever it is repeated at once', async () => {
    const [one, two] = [createIdempotencyStore(db), createIdempotencyStore(db)];
    let runs = 0;
    const execute = async (): Promise<Uint8Array> => {
      runs += 1;
      await db.read('select pg_sleep(0.1)');
      return bytes(`answer ${runs}`);
    };
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, at) => (at % 2 === 0 ? one : two).run(call, execute, signal)),
    );
    expect(runs).toBe(1);
    expect(new Set(answers.map(textOf))).toEqual(new Set(['answer 1']));
  });

  it('is another call for another caller, method or request id', async () => {
    const store = createIdempotencyStore(db);
    const others = [call, { ...call, caller: 'u2' }, { ...call, method: 'a.B/Update' }, { ...call, requestId: 'r2' }];
    const answers = await Promise.all(
      others.map((other, at) => store.run(other, async () => bytes(String(at)), signal)),
    );
    expect(answers.map(textOf)).toEqual(['0', '1', '2', '3']);
  });

  it('is refused with another request', async () => {
    const store = createIdempotencyStore(db);
    await store.run(call, async () => bytes('x'), signal);
    const again = store.run({ ...call, fingerprint: 'f2' }, async () => bytes('y'), signal);
    await expect(again).rejects.toMatchObject({ reason: 'REQUEST_ID_REUSED', metadata: { requestId: 'r1' } });
  });

  it('runs again after a failure', async () => {
    const store = createIdempotencyStore(db);
    const failing = store.run(call, async () => Promise.reject(new Error('no luck')), signal);
    await expect(failing).rejects.toThrow('no luck');
    expect(textOf(await store.run(call, async () => bytes('second'), signal))).toBe('second');
  });

  it('is taken over from an instance that died', async () => {
    await db.write(
      `insert into idempotency_keys values ('u1', 'a.B/Create', 'r1', 'f1', null, gen_random_uuid(), now() - interval '1 s', now())`,
    );
    const store = createIdempotencyStore(db);
    expect(textOf(await store.run(call, async () => bytes('taken over'), signal))).toBe('taken over');
  });

  it('keeps its lease while it runs longer than that', async () => {
    const store = createIdempotencyStore(db, { leaseMs: 3_000 });
    const [started, held] = [Promise.withResolvers<void>(), Promise.withResolvers<Uint8Array>()];
    const first = store.run(
      call,
      async () => {
        started.resolve();
        return held.promise;
      },
      signal,
    );
    await started.promise;
    await db.write("update idempotency_keys set lease_until = now() - interval '1 s'");
    await eventually(async () =>
      expect(await db.read('select 1 from idempotency_keys where lease_until > now()')).toHaveLength(1),
    );
    const second = store.run(call, async () => bytes('second'), signal);
    held.resolve(bytes('first'));
    expect([textOf(await first), textOf(await second)]).toEqual(['first', 'first']);
  });

  it('stops waiting when its caller goes away', async () => {
    const store = createIdempotencyStore(db);
    const { promise: held, resolve: finish } = Promise.withResolvers<Uint8Array>();
    const started = Promise.withResolvers<void>();
    const first = store.run(
      call,
      async () => {
        started.resolve();
        return held;
      },
      signal,
    );
    await started.promise;
    const waiting = store.run(call, async () => bytes('never'), AbortSignal.timeout(100));
    await expect(waiting).rejects.toThrow(/aborted/);
    finish(bytes('done'));
    expect(textOf(await first)).toBe('done');
  });

  it('is forgotten after a day', async () => {
    await createIdempotencyStore(db).run(call, async () => bytes('old'), signal);
    await db.write("update idempotency_keys set created_at = now() - interval '25 hours'");
    expect(textOf(await createIdempotencyStore(db).run(call, async () => bytes('new'), signal))).toBe('new');
  });
});
