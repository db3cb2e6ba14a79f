import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createTestDatabase } from '@morag/testing';
import pg from 'pg';
import { ensureSchemaAndRole, ensureSchemas } from './prepare-database.ts';

let test: Awaited<ReturnType<typeof createTestDatabase>>;
const roles = new Set<string>();

beforeEach(async () => {
  test = await createTestDatabase();
});

afterEach(async () => {
  await run(test.url, [...roles].map((role) => `drop owned by "${role}"; drop role "${role}"`).join(';'));
  roles.clear();
  await test.drop();
});

async function run(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

async function ensure(service: string, password: string, schemas: string[] = []): Promise<string> {
  const url = await ensureSchemaAndRole(test.url, { service, password, schemas });
  roles.add(new URL(url).username);
  return url;
}

describe("a service's role", () => {
  it('works in its own schemas and sees nothing of the others', async () => {
    const servers = await ensure('servers', 'pw 1/@:', ['servers_queue']);
    const identity = await ensure('identity', "it's");
    await run(identity, 'create table identity.users (id int)');
    await run(servers, 'create table servers.servers (id int); create table servers_queue.jobs (id int)');
    await expect(run(servers, 'select * from identity.users')).rejects.toMatchObject({ code: '42501' });
    await expect(run(servers, 'create table identity.mine (id int)')).rejects.toMatchObject({ code: '42501' });
    await expect(run(servers, 'create table public.mine (id int)')).rejects.toMatchObject({ code: '42501' });
    await expect(run(servers, 'create role other')).rejects.toMatchObject({ code: '42501' });
  });

  it('is made once, by however many instances that start at once', async () => {
    const urls = await Promise.all(Array.from({ length: 5 }, () => ensure('servers', 'same')));
    expect(new Set(urls).size).toBe(1);
    expect(await run(urls[0] ?? '', 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('can be made by an administrator who is no superuser', async () => {
    const database = new URL(test.url).pathname.slice(1);
    const admin = `${database}_admin`;
    await run(
      test.url,
      `create role "${admin}" login createrole password 'pw'; grant create on database "${database}" to "${admin}"`,
    );
    const adminUrl = new URL(test.url);
    adminUrl.username = admin;
    adminUrl.password = 'pw';
    for (const password of ['one', 'two']) {
      const url = await ensureSchemaAndRole(adminUrl.href, { service: 'servers', password });
      roles.add(new URL(url).username);
      expect(await run(url, 'select current_user as name')).toEqual([{ name: new URL(url).username }]);
      await run(url, 'create table if not exists servers.servers (id int)');
    }
    roles.add(admin);
  });

  it('takes a changed password', async () => {
    const old = await ensure('servers', 'old');
    const renewed = await ensure('servers', 'new');
    expect(await run(renewed, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(old).not.toBe(renewed);
  });
});

it('makes schemas with the rights at hand, and asks for none when there is nothing to make', async () => {
  await ensureSchemas(test.url, ['servers', 'servers_queue']);
  const role = await ensure('identity', 'pw');
  await ensureSchemas(role, ['servers', 'identity']);
  await expect(ensureSchemas(role, ['another'])).rejects.toMatchObject({ code: '42501' });
});
