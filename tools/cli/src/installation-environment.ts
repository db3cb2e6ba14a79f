import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Context } from './context.ts';

const POSTGRES_PORT = '7432';

/**
 * The environment, completed by what an installation of `npm start` keeps in its data folder: where its own PostgreSQL
 * and its keys are. What is set stays as it is.
 */
export function installationEnvironment(env: Context['env']): Context['env'] {
  const keys = join(resolve(env.MORAG_DATA_DIR || './.morag'), 'keys');
  const passwordFile = join(keys, 'postgres.password');
  const masterKeyFile = join(keys, 'master.key');
  const signingKeyFile = join(keys, 'jwt-signing.pem');
  const ownsPostgres = !env.MORAG_DATABASE_URL && existsSync(passwordFile);
  const ownsKey = !env.MORAG_MASTER_KEY && !env.MORAG_MASTER_KEY_FILE && existsSync(masterKeyFile);
  return {
    ...env,
    ...(ownsPostgres && {
      MORAG_DATABASE_URL: postgresUrl(readFileSync(passwordFile, 'utf8'), env.MORAG_POSTGRES_PORT),
    }),
    ...(ownsKey && { MORAG_MASTER_KEY_FILE: masterKeyFile }),
    ...(!env.MORAG_JWT_SIGNING_KEY_FILE &&
      existsSync(signingKeyFile) && { MORAG_JWT_SIGNING_KEY_FILE: signingKeyFile }),
  };
}

function postgresUrl(password: string, port = POSTGRES_PORT): string {
  return `postgresql://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/morag`;
}
