import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateAliasCommand, CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createKeyReader, createVault, fixedKeys, parseMasterKeys, type Vault } from '@morag/crypto';
import { type AwsStandIn, startAwsStandIn } from '@morag/servers-lab';
import { type Installation, newInstallation } from '@morag/testing';
import pg from 'pg';
import { runRecipe } from './recipe.ts';

const CLI = fileURLToPath(new URL('../../cli/src/main.ts', import.meta.url));
/** Registered, and opened by the load. */
const SERVERS = 40;
/** Stored in all, and how often the rotation is killed: at full size 100000 and 20. */
const SECRETS = Number(process.env.MORAG_TEST_ROTATION_SECRETS ?? 5_000);
const KILLS = Number(process.env.MORAG_TEST_ROTATION_KILLS ?? 3);

let installation: Installation;
let aws: AwsStandIn | undefined;
let awsEnv: Record<string, string>;
let ids: string[];

afterAll(async () => {
  await installation?.remove();
  await aws?.stop();
});

async function startWithServers(env: Record<string, string>, prepare: () => Promise<unknown>): Promise<void> {
  await installation?.remove();
  awsEnv = env;
  installation = await newInstallation(env);
  await prepare();
  await installation.start();
  ids = [];
  for (let number = 0; number < SERVERS; number++) ids.push(await register(`server ${number}`));
}

/** Kills in every stage: when a run has added a key, lets it seal, or has re-wrapped up to eight pages of 500. */
const killLines = (kills: number): number[] => Array.from({ length: kills }, (_, kill) => 1 + ((kill * 3) % 8));

async function register(name: string): Promise<string> {
  const { status, body } = await installation.call<{ id: string }>('POST', '/v1/servers', {
    name,
    type: 'CHROMA',
    host: '127.0.0.1',
    port: installation.ports.chroma,
    apiKey: `key of ${name}`,
  });
  expect(status).toBe(200);
  return body.id;
}

/** Runs `morag keys …`; killed with -9 as soon as it has reported so many lines, answers undefined. */
async function keys(args: readonly string[], killAtLine = Number.POSITIVE_INFINITY): Promise<string | undefined> {
  const env = {
    PATH: process.env.PATH,
    ...awsEnv,
    MORAG_DATA_DIR: installation.folder,
    MORAG_POSTGRES_PORT: String(installation.ports.postgres),
  };
  const child = spawn(process.execPath, [CLI, 'keys', ...args, '--json'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  let lines = 0;
  child.stderr.on('data', (chunk: Buffer) => {
    lines += chunk.toString().split('\n').length - 1;
    if (lines >= killAtLine) child.kill('SIGKILL');
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code === null) return undefined;
  expect(code).toBe(0);
  return output;
}

/** Opens the secrets of servers, one after the other, until it is told to stop; answers how many it opened. */
function startLoad() {
  let isOver = false;
  const failures: unknown[] = [];
  const load = async (): Promise<number> => {
    let calls = 0;
    for (; !isOver; calls++) {
      const id = ids[calls % ids.length] ?? '';
      const { status, body } = await installation.call<{ success: boolean }>(
        'POST',
        `/v1/servers/${id}:testConnection`,
        {},
      );
      if (status !== 200 || !body.success) failures.push(body);
      if (calls % 10 === 0) ids.push(await register(`under load ${crypto.randomUUID()}`));
    }
    return calls;
  };
  const running = load();
  return {
    failures,
    async stop() {
      isOver = true;
      return running;
    },
  };
}

/** Works on the installation's PostgreSQL. */
async function withSql<T>(work: (sql: pg.Client) => Promise<T>): Promise<T> {
  const password = readFileSync(join(installation.folder, 'keys', 'postgres.password'), 'utf8');
  const { postgres: port } = installation.ports;
  const sql = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', password, database: 'morag' });
  await sql.connect();
  try {
    return await work(sql);
  } finally {
    await sql.end();
  }
}

/** The master keys under which secrets are stored. */
async function versionsInUse(): Promise<string[]> {
  const versions = `select distinct split_part(sealed_api_key, '.', 2) as version from servers.servers`;
  const { rows } = await withSql((sql) =>
    sql.query<{ version: string }>(`${versions} where sealed_api_key is not null`),
  );
  return rows.map(({ version }) => version);
}

const keyFile = (): string => join(installation.folder, 'keys', 'master.key');
const fileText = (): string => readFileSync(keyFile(), 'utf8');

/** A vault with the keys that the file has now. */
async function openVault(): Promise<Vault> {
  return createVault(fixedKeys(await parseMasterKeys(await readFile(keyFile(), 'utf8'), createKeyReader())));
}

interface SecretRow {
  readonly id: string;
  readonly owner_id: string;
  readonly sealed_api_key: string;
}

const bindingOf = ({ id, owner_id: ownerId }: Pick<SecretRow, 'id' | 'owner_id'>) => ({
  service: 'servers',
  table: 'servers',
  rowId: id,
  ownerId,
  column: 'sealed_api_key',
});

/** Copies a server many times, each with a secret of its own; switched off, so that nobody looks after their health. */
async function addSecrets(count: number): Promise<void> {
  const vault = await openVault();
  await withSql(async (sql) => {
    const { rows } = await sql.query<SecretRow>('select id, owner_id from servers.servers where id = $1', [ids[0]]);
    const owner_id = rows[0]?.owner_id ?? '';
    for (let done = 0; done < count; done += 5_000) {
      const made = Array.from({ length: Math.min(5_000, count - done) }, () => crypto.randomUUID());
      const sealed = made.map((id) => vault.seal(`key of ${id}`, bindingOf({ id, owner_id })));
      await sql.query(COPY, [ids[0], made, sealed]);
    }
  });
}

const COPY = `
  insert into servers.servers
  select (jsonb_populate_record(of, jsonb_build_object('id', made.id, 'name', made.id, 'is_active', false, 'sealed_api_key', sealed))).*
    from servers.servers of, unnest($2::uuid[], $3::text[]) as made(id, sealed) where of.id = $1`;

/** How many of the copies hold what was sealed, opened by the keys of the file alone. */
async function intactCopies(): Promise<number> {
  const vault = await openVault();
  const { rows } = await withSql((sql) =>
    sql.query<SecretRow>('select id, owner_id, sealed_api_key from servers.servers where name = id::text'),
  );
  return rows.filter((row) => vault.open(row.sealed_api_key, bindingOf(row)) === `key of ${row.id}`).length;
}

/** Rotates under load, killed at each of these lines, and then to the end. */
async function rotateThroughKills(lines: readonly number[]): Promise<void> {
  const old = fileText().trim();
  const load = startLoad();
  for (const line of lines) expect(await keys(['rotate', '--settle', '2'], line)).toBeUndefined();
  await keys(['rotate', '--settle', '2']);
  expect(await load.stop()).toBeGreaterThan(0);
  expect(load.failures).toEqual([]);

  const [status] = JSON.parse((await keys(['status'])) ?? '[]') as { versions: string; remaining: number }[];
  expect(status).toMatchObject({ stage: 'NONE', remaining: 0 });
  expect(Number(status?.versions)).toBeGreaterThan(1);
  expect(fileText()).not.toContain(old);
  expect(await versionsInUse()).toEqual([status?.versions]);
}

describe('replacing the master key under load', () => {
  beforeAll(async () => {
    await startWithServers({}, async () => {});
    await addSecrets(SECRETS - SERVERS);
  }, 300_000);

  it('fails no call, loses no secret and leaves nothing under the old key, however often it is killed', async () => {
    await rotateThroughKills(killLines(KILLS));
    expect(await intactCopies()).toBe(SECRETS - SERVERS);
  }, 600_000);

  it('holds after a restart: every secret opens under the new key alone', async () => {
    await installation.stop();
    await installation.start();
    for (const id of ids) {
      const { body } = await installation.call<{ success: boolean }>('POST', `/v1/servers/${id}:testConnection`, {});
      expect(body.success).toBe(true);
    }
  }, 120_000);
});

describe('replacing a master key that AWS KMS wraps', () => {
  beforeAll(async () => {
    aws = await startAwsStandIn();
    const env = { ...aws.env, AWS_ENDPOINT_URL_KMS: aws.url };
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    const kms = new KMSClient({ endpoint: aws.url, region: 'us-east-1', credentials });
    const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
    await kms.send(new CreateAliasCommand({ AliasName: 'alias/morag', TargetKeyId: KeyMetadata?.KeyId }));
    kms.destroy();
    const section = 'A master key under AWS KMS';
    await startWithServers(env, () => runRecipe({ section, env: { ...env, MORAG_DATA_DIR: installation.folder } }));
  }, 180_000);

  it('loses no secret and stays under KMS, killed or not', async () => {
    // With the new key added, and with the new key sealing.
    await rotateThroughKills([1, 1]);
    expect(fileText()).toContain('aws-kms:arn:');
    for (const id of ids) {
      const { body } = await installation.call<{ success: boolean }>('POST', `/v1/servers/${id}:testConnection`, {});
      expect(body.success).toBe(true);
    }
  }, 180_000);
});
