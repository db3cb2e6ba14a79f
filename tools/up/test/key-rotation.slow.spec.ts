import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Installation, newInstallation } from '@morag/testing';
import pg from 'pg';

const CLI = fileURLToPath(new URL('../../cli/src/main.ts', import.meta.url));
const SERVERS = 60;
const KILLS = 3;

let installation: Installation;
let ids: string[];

beforeAll(async () => {
  installation = await newInstallation();
  await installation.start();
  ids = [];
  for (let number = 0; number < SERVERS; number++) ids.push(await register(`server ${number}`));
}, 180_000);

afterAll(async () => {
  await installation?.remove();
});

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

/** Runs `morag keys …`; killed after `killAfterMs`, answers undefined. */
async function keys(args: readonly string[], killAfterMs?: number): Promise<string | undefined> {
  const env = {
    PATH: process.env.PATH,
    MORAG_DATA_DIR: installation.folder,
    MORAG_POSTGRES_PORT: String(installation.ports.postgres),
  };
  const child = spawn(process.execPath, [CLI, 'keys', ...args, '--json'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearTimeout(timer);
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

/** The master keys under which secrets are stored. */
async function versionsInUse(): Promise<string[]> {
  const password = readFileSync(join(installation.folder, 'keys', 'postgres.password'), 'utf8');
  const { postgres: port } = installation.ports;
  const sql = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', password, database: 'morag' });
  await sql.connect();
  const { rows } = await sql.query<{ version: string }>(
    "select distinct split_part(sealed_api_key, '.', 2) as version from servers.servers where sealed_api_key is not null",
  );
  await sql.end();
  return rows.map(({ version }) => version);
}

const fileText = (): string => readFileSync(join(installation.folder, 'keys', 'master.key'), 'utf8');

describe('replacing the master key under load', () => {
  it('fails no call, loses no secret and leaves nothing under the old key, however often it is killed', async () => {
    const old = fileText().trim();
    const load = startLoad();
    for (let kill = 1; kill <= KILLS; kill++) await keys(['rotate', '--settle', '2'], kill * 1_500);
    await keys(['rotate', '--settle', '2']);
    expect(await load.stop()).toBeGreaterThan(0);
    expect(load.failures).toEqual([]);

    const [status] = JSON.parse((await keys(['status'])) ?? '[]') as { versions: string; remaining: number }[];
    expect(status).toMatchObject({ stage: 'NONE', remaining: 0 });
    expect(Number(status?.versions)).toBeGreaterThan(1);
    expect(fileText()).not.toContain(old);
    expect(await versionsInUse()).toEqual([status?.versions]);
  }, 240_000);

  it('holds after a restart: every secret opens under the new key alone', async () => {
    await installation.stop();
    await installation.start();
    for (const id of ids) {
      const { body } = await installation.call<{ success: boolean }>('POST', `/v1/servers/${id}:testConnection`, {});
      expect(body.success).toBe(true);
    }
  }, 120_000);
});
