import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connectClient } from '@morag/orm';
import { createTestDatabase, eventually } from '@morag/testing';
import { type AllServices, type Person, startAllServices } from './all-services.ts';
import type { Outcome } from './call-rpc.ts';
import { listRpcs, type Rpc } from './contracts.ts';
import { newResources } from './resources.ts';
import { type Ids, validRequest } from './valid-request.ts';

/** By the contract, and by the same words as docs/security.md: everything but reading, searching and the data plane. */
function isOnRecord({ access, permission, method: { name } }: Rpc): boolean {
  if (access === 'permission') return !/:(read|search)$/.test(permission) && permission !== 'records:write';
  if (access === 'authenticated') return !/^(Get|List|Watch)/.test(name);
  return access === 'public' && ['Register', 'Login', 'Refresh'].includes(name);
}

const CHANGES = listRpcs().filter(isOnRecord);
const named = (rpcs: readonly Rpc[]): [string, Rpc][] => rpcs.map((rpc) => [rpc.name, rpc]);
/** A change of a resource that stays or goes; of settings there may be none before. */
const TELLS_BEFORE = /\/(Update(User|ApiKey|Server|Database|Document)|Delete(Server|Database|Document|Webhook))$/;
/** After these, their caller is signed in no more. */
const LAST = ['RevokeSession', 'Logout', 'DeleteUser'];

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let sql: Awaited<ReturnType<typeof connectClient>>;
let all: AllServices;
let alice: Person;
let mine: Ids;
const answers = new Map<string, Outcome>();
let found: readonly Recorded[] = [];

beforeAll(async () => {
  database = await createTestDatabase('audit');
  all = await startAllServices({ databaseUrl: database.url });
  sql = await connectClient({ url: database.url, schema: 'identity', service: 'test' });
  alice = await all.newUser();
  mine = await newResources(all, alice);
  const isLast = ({ method }: Rpc): boolean => LAST.includes(method.name);
  const before = new Set((await events()).map(({ id }) => id));
  for (const rpc of CHANGES.filter((change) => !isLast(change))) await callOnce(rpc, alice, mine);
  found = (await events()).filter(({ id }) => !before.has(id));
  for (const rpc of CHANGES.filter(isLast)) {
    const spare = await all.newUser();
    await callOnce(rpc, spare, { ...mine, user_id: spare.userId });
  }
  const last = (await events()).filter(({ action }) => LAST.includes(action.split('/')[1] ?? ''));
  found = [...found, ...last];
}, 180_000);
afterAll(async () => {
  await sql.end();
  await all.stop();
  await database.drop();
});

async function callOnce(rpc: Rpc, { token }: Person, ids: Ids): Promise<void> {
  answers.set(rpc.name, await all.call(rpc.service, rpc.method, validRequest(rpc.method.input, ids), token));
}

interface Recorded {
  readonly id: string;
  readonly action: string;
  readonly outcome: string;
  readonly userId: string;
  readonly ownerId: string;
  /** JSON of the resource, or empty. */
  readonly before: string;
}

/** All events of everybody, once every service has handed over what it has. */
async function events(): Promise<readonly Recorded[]> {
  await eventually(
    async () => {
      const { rows } = await sql.query(`select id from identity.audit_journal union all
        select id from servers.audit_journal union all select id from documents.audit_journal`);
      expect(rows).toEqual([]);
    },
    { timeoutMs: 15_000 },
  );
  const columns = 'id, action, outcome, user_id as "userId", owner_id as "ownerId", before';
  return (await sql.query<Recorded>(`select ${columns} from identity.audit_events`)).rows;
}

/** What is not part of this version is not tried. */
function outcomesOf({ code, reason }: Outcome): string[] {
  if (code === 'OK') return ['SUCCEEDED'];
  if (reason === 'NOT_YET_AVAILABLE') return [];
  return [reason === 'PERMISSION_DENIED' ? 'DENIED' : 'FAILED'];
}

describe('a change is on record once, as what it came to', () => {
  it.each(named(CHANGES))('%s', (name) => {
    const answer = answers.get(name);
    const recorded = found.filter(({ action }) => action.endsWith(`.${name}`)).map(({ outcome }) => outcome);
    expect({ ...answer, recorded }).toEqual({ ...answer, recorded: answer && outcomesOf(answer) });
  });

  it.each(named(CHANGES.filter(({ name }) => TELLS_BEFORE.test(name))))('%s tells what it was before', (name) => {
    const made = found.filter(({ action, outcome }) => action.endsWith(`.${name}`) && outcome === 'SUCCEEDED');
    expect(made.map(({ before }) => Boolean(before))).toEqual(made.map(() => true));
    expect(answers.get(name)?.code === 'OK').toBe(made.length > 0);
  });

  it('and most of them were made', () => {
    const made = [...answers.values()].filter(({ code }) => code === 'OK').length;
    expect(made).toBeGreaterThan(CHANGES.length / 3);
  });
});
