import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { type Binding, createVault, generateMasterKey, parseMasterKeys } from '@morag/crypto';
import { comparePaired } from './paired.ts';
import { type Line, numberLine, ratioLine } from './report.ts';

const SECRETS = 20_000;
/** One call opens so many: a single one is over before a clock of microseconds has moved. */
const OPENED = 200;
const BLOCK = { callers: 1, calls: 40, rounds: 9 };
/** 5,000 a second. */
const REWRAP_US_MAX = 200;
const SECRET = 'the password of a server';

const bindingOf = (row: number): Binding => ({
  service: 'servers',
  table: 'servers',
  rowId: String(row),
  ownerId: 'somebody',
  column: 'password',
});

/** P16: opening a stored secret, beside AES-256-GCM alone; and what a new master key costs for each, the database apart. */
export async function secretsBenchmark(): Promise<Line[]> {
  const [before, after] = await Promise.all([1, 2].map(async () => (await parseMasterKeys(generateMasterKey())).root));
  const old = createVault({ byVersion: () => before, newest: () => 1 });
  const sealed = Array.from({ length: SECRETS }, (_, row) => old.seal(SECRET, bindingOf(row)));
  let next = 0;
  const ours = async (): Promise<void> => {
    for (let n = 0; n < OPENED; n += 1) {
      const row = next++ % SECRETS;
      if (old.open(sealed[row] ?? '', bindingOf(row)) !== SECRET) throw new Error('another secret came out');
    }
  };
  return [
    ratioLine(
      'P16',
      'open a stored secret / bare AES-256-GCM, p50',
      await comparePaired(ours, bareOpening(), BLOCK),
      3,
    ),
    numberLine('P16', 're-wrap a secret, the database apart', rewrapMicroseconds(), REWRAP_US_MAX, 'µs'),
  ];

  function rewrapMicroseconds(): number {
    const both = createVault({ byVersion: (version) => (version === 1 ? before : after), newest: () => 2 });
    const begun = performance.now();
    const moved = sealed.map((value, row) => both.rewrap(value, bindingOf(row)));
    const us = ((performance.now() - begun) * 1_000) / SECRETS;
    if (both.open(moved[1] ?? '', bindingOf(1)) !== SECRET) throw new Error('another secret came out');
    return us;
  }
}

function bareOpening(): () => Promise<void> {
  const key = randomBytes(32);
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const body = Buffer.concat([cipher.update(SECRET), cipher.final()]);
  const tag = cipher.getAuthTag();
  return async () => {
    for (let n = 0; n < OPENED; n += 1) {
      const decipher = createDecipheriv('aes-256-gcm', key, nonce).setAuthTag(tag);
      const text = decipher.update(body).toString('utf8');
      decipher.final();
      if (text !== SECRET) throw new Error('another secret came out');
    }
  };
}
