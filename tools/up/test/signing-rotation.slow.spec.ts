import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, type Installation, newInstallation } from '@morag/testing';
import { runRecipe } from './recipe.ts';

const CLI = fileURLToPath(new URL('../../cli/src/main.ts', import.meta.url));

let installation: Installation;

beforeAll(async () => {
  installation = await newInstallation();
  await installation.start();
}, 120_000);

afterAll(() => installation?.remove());

/** Runs `morag keys rotate-signing`, killed with -9 as soon as it says this. */
async function rotate(killAt: string): Promise<number | null> {
  const env = { PATH: process.env.PATH, MORAG_DATA_DIR: installation.folder };
  const child = spawn(process.execPath, [CLI, 'keys', 'rotate-signing'], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    if (said.includes(killAt)) child.kill('SIGKILL');
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

const file = (): string => join(installation.folder, 'keys', 'jwt-signing.pem');
const keysInFile = (): number => readFileSync(file(), 'utf8').split('BEGIN PRIVATE KEY').length - 1;

async function publishedKids(): Promise<string[]> {
  const { body } = await installation.call<{ keys: { kid: string }[] }>('GET', '/.well-known/jwks.json');
  return body.keys.map(({ kid }) => kid);
}

const kidOf = (token: string): string =>
  (JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: string }).kid;

async function statusOf(token: string, path: string): Promise<number> {
  return (await fetch(installation.gateway + path, { headers: { authorization: `Bearer ${token}` } })).status;
}

describe('replacing the key of access tokens under npm start', () => {
  let oldToken: string;
  let oldKid: string | undefined;

  it('publishes the new key before it signs, goes on after kill -9, and refuses no call', async () => {
    oldToken = await installation.token();
    [oldKid] = await publishedKids();
    let isOver = false;
    const load = async (): Promise<number> => {
      let rounds = 0;
      for (; !isOver; rounds++) {
        const token = await installation.token();
        // One is judged by identity itself, the other by the servers service, for a new token and an old one.
        for (const path of ['/v1/permissions', '/v1/servers']) {
          expect([await statusOf(token, path), await statusOf(oldToken, path)]).toEqual([200, 200]);
        }
      }
      return rounds;
    };
    const running = load();
    expect(await rotate('the new key is published')).toBeNull();
    expect(keysInFile()).toBe(2);
    await eventually(async () => expect(await publishedKids()).toHaveLength(2));
    expect(kidOf(await installation.token())).toBe(oldKid);

    expect(await rotate('the new key signs')).toBeNull();
    await eventually(async () => expect(kidOf(await installation.token())).not.toBe(oldKid));
    isOver = true;
    expect(await running).toBeGreaterThan(0);
  }, 120_000);

  it('withdraws the old key when its time is over, and its tokens with it', async () => {
    const text = readFileSync(file(), 'utf8');
    expect(text).toMatch(/^# verifies until \d{4}-/m);
    // The quarter of an hour of a token's life passes.
    writeFileSync(file(), text.replace(/^# verifies until .*$/m, `# verifies until ${new Date().toISOString()}`));
    const printed = await runRecipe({
      section: 'Replacing the key of access tokens',
      env: { MORAG_DATA_DIR: installation.folder },
    });
    expect(printed).toContain('Access tokens are signed by the new key; the one before it is gone from');
    expect(keysInFile()).toBe(1);
    await eventually(async () => expect(await publishedKids()).not.toContain(oldKid));
    expect(await statusOf(oldToken, '/v1/permissions')).toBe(401);
    expect(await statusOf(await installation.token(), '/v1/servers')).toBe(200);
  }, 60_000);
});
