import { type Address, type CommonConfig, type DataService, readCommon, readPeers } from './parts.ts';
import { type Environment, readConfig } from './reader.ts';
import type { ValueOf } from './variables.ts';

/** See upConfig. */
export interface UpConfig extends CommonConfig {
  readonly dataDir: string;
  readonly processes: ValueOf<'MORAG_PROCESSES'>;
  /** Undefined: `npm start` runs a PostgreSQL of its own. */
  readonly databaseUrl: string | undefined;
  readonly masterKey: { readonly key: string | undefined; readonly file: string | undefined };
  readonly addresses: Readonly<Record<DataService | 'gateway' | 'postgres' | 'chroma', Address>>;
}

/** The configuration of `npm start`, which makes for itself whatever is not set. */
export function upConfig(env: Environment): UpConfig {
  return readConfig(env, (reader) => ({
    ...readCommon(reader),
    dataDir: reader.required('MORAG_DATA_DIR'),
    processes: reader.required('MORAG_PROCESSES'),
    databaseUrl: reader.optional('MORAG_DATABASE_URL'),
    masterKey: { key: reader.optional('MORAG_MASTER_KEY'), file: reader.optional('MORAG_MASTER_KEY_FILE') },
    addresses: {
      ...readPeers(reader),
      gateway: { host: reader.required('MORAG_GATEWAY_HOST'), port: reader.required('MORAG_GATEWAY_PORT') },
      postgres: { host: reader.required('MORAG_POSTGRES_HOST'), port: reader.required('MORAG_POSTGRES_PORT') },
      chroma: { host: reader.required('MORAG_CHROMA_HOST'), port: reader.required('MORAG_CHROMA_PORT') },
    },
  }));
}
