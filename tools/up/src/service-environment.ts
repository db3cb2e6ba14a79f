import type { Environment, UpConfig } from '@morag/config';
import type { Installation } from './installation.ts';

/** On one machine the vector servers stand on it, or beside it in the same network. */
const LOCAL_NETWORKS = '127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7';

/**
 * The environment of the services: what the person set, and what the installation made for itself where nothing was set.
 * In one process and in separate ones alike.
 */
export function serviceEnvironment(
  env: Environment,
  config: UpConfig,
  { installation, databaseUrl, dataDir }: { installation: Installation; databaseUrl: string; dataDir: string },
): Record<string, string> {
  const given = Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => !!entry[1]));
  const ownsKey = config.masterKey.key === undefined && config.masterKey.file === undefined;
  return {
    MORAG_LOG_LEVEL: 'warn',
    MORAG_AUTO_MIGRATE: 'true',
    MORAG_EGRESS_ALLOW: LOCAL_NETWORKS,
    // One machine has few users; a bound on what runs away is enough.
    MORAG_RATE_LIMIT_USER_PER_MINUTE: '600000',
    MORAG_JWT_SIGNING_KEY_FILE: installation.signingKeyFile,
    ...(ownsKey && { MORAG_MASTER_KEY_FILE: installation.masterKeyFile }),
    ...given,
    MORAG_DATABASE_URL: databaseUrl,
    MORAG_DATA_DIR: dataDir,
  };
}
