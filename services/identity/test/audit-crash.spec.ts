import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type CallOptions, createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ApiKeyService } from '@morag/gen/morag/identity/v1/api_key_service_pb.ts';
import { connectClient } from '@morag/orm';
import { eventually, freePort, spawnLeashed } from '@morag/testing';
import { type Harness, startIdentity } from './harness.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));

let harness: Harness;
let owner: CallOptions;
let sql: Awaited<ReturnType<typeof connectClient>>;

beforeAll(async () => {
  harness = await startIdentity();
  owner = (await harness.newUser()).as;
  sql = await connectClient({ url: harness.env.MORAG_DATABASE_URL ?? '', schema: 'identity', service: 'test' });
}, 60_000);
afterAll(async () => {
  await sql.end();
  await harness.close();
});

let victim: ChildProcess;
let transport: Transport;

/** Another instance on the same database, in a process that can be killed. */
beforeEach(async () => {
  const port = String(await freePort());
  const env = { ...process.env, ...harness.env, MORAG_IDENTITY_HOST: '127.0.0.1', MORAG_IDENTITY_PORT: port };
  victim = spawnLeashed(MAIN, [], { env, stdout: 'ignore', stderr: 'ignore' });
  transport = createConnectTransport({ baseUrl: `http://127.0.0.1:${port}`, httpVersion: '1.1' });
  await eventually(async () => requireReady(await fetch(`http://127.0.0.1:${port}/readyz`)), { timeoutMs: 60_000 });
}, 90_000);

afterEach(() => kill());

function requireReady({ status }: Response): void {
  if (status !== 200) throw new Error(`not ready: ${status}`);
}

async function kill(): Promise<void> {
  if (victim.exitCode !== null || victim.signalCode !== null) return;
  const gone = once(victim, 'exit');
  victim.kill('SIGKILL');
  await gone;
}

/** What stands in the database of keys called `name`, and of the calls that carried it as request id. */
async function left(name: string): Promise<{ keys: number; outcomes: string[] }> {
  const keys = await sql.query('select 1 from identity.api_keys where name = $1', [name]);
  const records = await sql.query<{ outcome: string }>(
    `select record->>'outcome' as outcome from identity.audit_journal where record->>'requestId' = $1`,
    [name],
  );
  return { keys: keys.rows.length, outcomes: records.rows.map(({ outcome }) => outcome) };
}

/** Makes every statement that the trigger is for wait for as long as `work` takes: it needs a lock that is held here. */
async function whileHeld(table: string, when: string, work: () => Promise<void>): Promise<void> {
  await sql.query(`create function identity.hold() returns trigger language plpgsql as
    'begin perform pg_advisory_xact_lock(4711); return new; end'`);
  await sql.query(`create trigger hold ${when} on identity.${table} for each row execute function identity.hold()`);
  await sql.query('select pg_advisory_lock(4711)');
  try {
    await work();
  } finally {
    await sql.query('select pg_advisory_unlock(4711)');
    await sql.query(`drop trigger hold on identity.${table}`);
    await sql.query('drop function identity.hold()');
  }
}

const waiting = async (): Promise<number> =>
  (await sql.query(`select 1 from pg_locks where locktype = 'advisory' and objid = 4711 and not granted`)).rows.length;

describe('kill -9', () => {
  const create = async (name: string): Promise<unknown> => {
    const headers = { ...owner.headers, 'x-request-id': name };
    return createClient(ApiKeyService, transport).createApiKey({ apiKey: { name } }, { headers });
  };

  it('after the commit leaves a change that is on record as made', async () => {
    // What is known only afterwards is what sets `ended_at`: the process dies before it can write that.
    await whileHeld('audit_journal', 'before update of ended_at', async () => {
      await create('committed');
      await eventually(async () => expect(await waiting()).toBe(1));
      await kill();
    });
    expect(await left('committed')).toEqual({ keys: 1, outcomes: ['SUCCEEDED'] });
  }, 60_000);

  it('before the commit leaves no change, and no record that says there was one', async () => {
    await whileHeld('api_keys', 'after insert', async () => {
      const call = create('uncommitted').catch(() => 'cut off');
      await eventually(async () => expect(await waiting()).toBe(1));
      await kill();
      expect(await call).toBe('cut off');
    });
    await eventually(async () => expect(await left('uncommitted')).toEqual({ keys: 0, outcomes: ['UNFINISHED'] }));
  }, 60_000);

  it('under load, at any moment, leaves as many changes as records that say so', async () => {
    const keys = createClient(ApiKeyService, transport);
    const headers = { ...owner.headers, 'x-request-id': 'at-any-moment' };
    let answered = 0;
    const callers = Array.from({ length: 16 }, async (_, caller) => {
      for (let n = 0; victim.exitCode === null && victim.signalCode === null; n += 1) {
        const apiKey = { name: `${caller}/${n}`, description: 'at-any-moment' };
        await keys.createApiKey({ apiKey }, { headers }).then(
          () => (answered += 1),
          () => {},
        );
      }
    });
    await eventually(async () => expect(answered).toBeGreaterThan(30), { timeoutMs: 30_000 });
    await kill();
    await Promise.all(callers);
    const count = async (statement: string): Promise<number> =>
      (await sql.query<{ count: number }>(statement)).rows[0]?.count ?? -1;
    // What had ended before is at identity by now, or is soon; what had not stays in the journal.
    await eventually(async () => {
      const made = await count(`select count(*)::int from identity.api_keys where description = 'at-any-moment'`);
      const succeeded = await count(`
        select count(distinct id)::int from (
          select id from identity.audit_events where request_id = 'at-any-moment' and outcome = 'SUCCEEDED'
          union all
          select id from identity.audit_journal
           where record->>'requestId' = 'at-any-moment' and record->>'outcome' = 'SUCCEEDED') as said`);
      expect({ made, succeeded }).toEqual({ made, succeeded: made });
      expect(made).toBeGreaterThanOrEqual(answered);
    });
  }, 90_000);
});
