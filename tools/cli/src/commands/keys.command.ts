import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { serversConfig } from '@morag/config';
import {
  addKey,
  createKeyReader,
  fixedKeys,
  formatMasterKeys,
  KEY_WATCH_MS,
  type KeyReader,
  type MasterKeys,
  newKeyText,
  parseMasterKeys,
  promoteKey,
  retireKey,
  rotationStage,
  wrappedBy,
  writeSecretFile,
} from '@morag/crypto';
import { countSecretsUnderOtherKeys, rewrapSecrets, schema } from '@morag/servers';
import type { Command } from 'commander';
import { CliError } from '../cli-error.ts';
import type { Context } from '../context.ts';
import { installationEnvironment } from '../installation-environment.ts';
import { type ServiceDatabase, withDatabase } from '../service-database.ts';
import { addRotateSigning } from './rotate-signing.command.ts';

/** Programs look at the file this often; on one machine they have all seen it after twice as long. */
const SETTLE_SECONDS = (3 * KEY_WATCH_MS) / 1_000;

/** The master key stands in its file as it is. */
const NO_KMS = 'none';

/** `morag keys`: the master key, in its file and in PostgreSQL itself, and the key of access tokens. */
export function addKeys(program: Command, context: Context): void {
  const keys = program
    .command('keys')
    .description('the master key, under which secrets are stored, and the key of access tokens');
  addRotateSigning(keys, context);
  keys
    .command('status')
    .description('which master keys there are, and how many servers hold a secret under another than the newest')
    .action(async () => {
      const { file, env } = locate(context);
      const found = await readKeys(file, createKeyReader());
      const remaining = await withDatabase(servers(env, found), (db) =>
        countSecretsUnderOtherKeys(db, fixedKeys(found)),
      );
      const versions = found.keys.map(({ version }) => version).join(' ');
      const kms = wrappedBy(found.keys[0].text) ?? '';
      context.output.table(
        [{ file, versions, stage: rotationStage(found), remaining, kms }],
        ['file', 'versions', 'stage', 'remaining', 'kms'],
      );
    });
  keys
    .command('generate')
    .description('prints a new master key that a key management service wraps, for the file of a first start')
    .requiredOption('--kms <key>', 'AWS KMS key: ARN, id or alias')
    .action(async ({ kms }: { kms: string }) => {
      const key = await newKeyText(kms);
      context.output.text(key, { key });
    });
  keys
    .command('rotate')
    .description('replaces the master key while everything runs; may be interrupted anywhere and repeated')
    .option('--settle <seconds>', 'how long a changed file takes to reach every program', String(SETTLE_SECONDS))
    .option('--kms <key>', `AWS KMS key that wraps the new one, or ${NO_KMS}; as with the old one unless given`)
    .action(async ({ settle, kms }: { settle: string; kms?: string }) => {
      const settleMs = Number(settle) * 1_000;
      if (!(settleMs >= 0)) throw new CliError('--settle takes seconds');
      const { file, env } = locate(context);
      const report = (line: string) => process.stderr.write(`${line}\n`);
      const version = await rotate({ file, env, kms, settle: () => delay(settleMs), report });
      context.output.text(`Every secret is under master key ${version}; the key before it is gone from ${file}.`, {
        version,
      });
    });
}

interface Rotation {
  readonly file: string;
  readonly env: Context['env'];
  /** What `--kms` says. */
  readonly kms: string | undefined;
  readonly settle: () => Promise<void>;
  readonly report: (line: string) => void;
}

/** Each stage is written to the file before the next begins, so whatever interrupts it, the next call goes on. */
async function rotate({ file, env, kms, settle, report }: Rotation): Promise<number> {
  const read = createKeyReader();
  let keys = await readKeys(file, read);
  if (rotationStage(keys) === 'NONE') {
    const wrapping = kms ?? wrappedBy(keys.keys[0].text);
    keys = await addKey(keys, await newKeyText(wrapping === NO_KMS ? undefined : wrapping), read);
    await writeSecretFile(file, formatMasterKeys(keys));
    report(`added master key ${keys.keys[1]?.version}`);
  }
  if (rotationStage(keys) === 'ADDED') {
    await settle();
    keys = promoteKey(keys);
    await writeSecretFile(file, formatMasterKeys(keys));
    report(`master key ${keys.keys[0].version} seals`);
  }
  await settle();
  await withDatabase(servers(env, keys), async (db) => {
    const onProgress = (rows: number) => report(`${rows} servers re-wrapped`);
    await rewrapSecrets(db, fixedKeys(keys), { signal: new AbortController().signal, onProgress });
  });
  keys = retireKey(keys);
  await writeSecretFile(file, formatMasterKeys(keys));
  return keys.keys[0].version;
}

function locate({ env }: Context): { file: string; env: Context['env'] } {
  const complete = installationEnvironment(env);
  const file = complete.MORAG_MASTER_KEY_FILE;
  if (!file) throw new CliError('The master key stands in no file: set MORAG_MASTER_KEY_FILE or MORAG_DATA_DIR.');
  return { file, env: complete };
}

async function readKeys(file: string, read: KeyReader): Promise<MasterKeys> {
  return parseMasterKeys(await readFile(file, 'utf8'), read);
}

/** The service that keeps secrets. */
function servers(env: Context['env'], { root: rootKey }: MasterKeys): ServiceDatabase {
  return { definition: schema, config: serversConfig({ ...env, MORAG_AUTO_MIGRATE: 'false' }), rootKey };
}
