import { describe, expect, it } from '@jest/globals';
import { ConfigError, type Environment } from './reader.ts';
import { documentsConfig, gatewayConfig, identityConfig, serversConfig } from './services.ts';
import { upConfig } from './up.ts';

const MINIMAL: Environment = {
  MORAG_DATABASE_URL: 'postgresql://morag:pw@db:5432/morag',
  MORAG_MASTER_KEY_FILE: '/run/secrets/master.key',
  MORAG_JWT_SIGNING_KEY_FILE: '/run/secrets/signing.pem',
  PATH: '/bin',
};

function problemsOf(read: () => unknown): readonly string[] {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('a service', () => {
  it('takes the documented defaults', () => {
    expect(identityConfig(MINIMAL)).toMatchObject({
      listen: { host: '127.0.0.1', port: 7001 },
      database: {
        url: 'postgresql://morag:pw@db:5432/morag',
        dedicated: false,
        pool: { size: 5, overflow: 10 },
        echo: false,
        autoMigrate: false,
      },
      masterKey: { file: '/run/secrets/master.key' },
      accessTokenTtlSeconds: 900,
      sessionTtlHours: 24,
      registrationEnabled: true,
      defaultRole: 'USER',
      logLevel: 'info',
    });
  });

  it('migrates itself when embedded, unless told otherwise', () => {
    expect(serversConfig(MINIMAL, { embedded: true }).database.autoMigrate).toBe(true);
    const told = serversConfig({ ...MINIMAL, MORAG_AUTO_MIGRATE: 'false' }, { embedded: true });
    expect(told.database.autoMigrate).toBe(false);
  });

  it('reaches private networks when embedded, and otherwise only those that are named', () => {
    expect(serversConfig(MINIMAL).egressAllow).toEqual([]);
    expect(serversConfig(MINIMAL, { embedded: true }).egressAllow).toContain('127.0.0.0/8');
    const named = { ...MINIMAL, MORAG_EGRESS_ALLOW: '10.1.0.0/16, fd00::/8' };
    expect(serversConfig(named, { embedded: true }).egressAllow).toEqual(['10.1.0.0/16', 'fd00::/8']);
  });

  it('prefers a database of its own', () => {
    const url = 'postgresql://documents@elsewhere/documents';
    const config = documentsConfig({ ...MINIMAL, MORAG_DOCUMENTS_DATABASE_URL: url });
    expect(config.database).toMatchObject({ url, dedicated: true });
  });

  it('finds its peers', () => {
    const { peers } = documentsConfig({ ...MINIMAL, MORAG_SERVERS_HOST: 'servers', MORAG_SERVERS_PORT: '9000' });
    expect(peers.servers).toEqual({ host: 'servers', port: 9000 });
  });

  it('treats a variable that is set to nothing as unset', () => {
    expect(gatewayConfig({ MORAG_GATEWAY_PORT: '' }).listen.port).toBe(8080);
  });
});

describe('the embedder', () => {
  it('is local unless told otherwise', () => {
    expect(documentsConfig(MINIMAL).embedder).toEqual({ provider: 'local', modelDir: undefined });
  });

  it('says everything that an endpoint still needs', () => {
    expect(problemsOf(() => documentsConfig({ ...MINIMAL, MORAG_EMBEDDER: 'ollama' }))).toEqual([
      'MORAG_EMBEDDER_MODEL is missing: MORAG_EMBEDDER is ollama',
      'MORAG_EMBEDDER_DIMENSION is missing: MORAG_EMBEDDER is ollama',
    ]);
  });

  it('knows where the endpoints are', () => {
    const env = { ...MINIMAL, MORAG_EMBEDDER: 'openai', MORAG_EMBEDDER_MODEL: 'm', MORAG_EMBEDDER_DIMENSION: '3' };
    expect(documentsConfig(env).embedder).toMatchObject({ url: 'https://api.openai.com/v1', dimension: 3 });
  });
});

describe('mistakes', () => {
  it('are reported all at once, each with the name of its variable', () => {
    const env = {
      MORAG_IDENTITY_PORT: '65536',
      MORAG_DATABASE_POOL_SIZE: 'many',
      MORAG_DATABASE_ECHO: 'yes',
      MORAG_LOG_LEVEL: 'INFO',
      MORAG_DATABSE_URL: 'x',
      MORAG_CORS_ORIGINS: 'https://a.example/path',
    };
    expect(problemsOf(() => identityConfig(env))).toEqual([
      'MORAG_DATABSE_URL is not a variable of MoRAG; did you mean MORAG_DATABASE_URL?',
      'MORAG_DATABASE_POOL_SIZE must be a whole number from 1 to 1000, not "many"',
      'MORAG_DATABASE_ECHO must be true or false, not "yes"',
      'MORAG_CORS_ORIGINS must be origins such as https://app.example.com, separated by commas, or *, not "https://a.example/path"',
      'MORAG_LOG_LEVEL must be one of trace, debug, info, warn, error, fatal, silent, not "INFO"',
      'MORAG_IDENTITY_PORT must be a whole number from 0 to 65535, not "65536"',
      'MORAG_DATABASE_URL is missing: or set MORAG_IDENTITY_DATABASE_URL',
      'MORAG_MASTER_KEY or MORAG_MASTER_KEY_FILE is missing',
      'MORAG_JWT_SIGNING_KEY_FILE is missing',
    ]);
  });

  it('never show a secret', () => {
    const env = { MORAG_DATABASE_URL: 'mysql://root:hunter2@db/x', MORAG_MASTER_KEY_FILE: 'k' };
    const problems = problemsOf(() => serversConfig(env));
    expect(problems).toEqual(['MORAG_DATABASE_URL must be a URL that starts with postgresql:// or postgres://']);
  });

  it('include two sources of the master key', () => {
    expect(problemsOf(() => identityConfig({ ...MINIMAL, MORAG_MASTER_KEY: 'x' }))).toEqual([
      'MORAG_MASTER_KEY and MORAG_MASTER_KEY_FILE are both set; one is enough',
    ]);
  });

  it.each(['MORAG_CONFORMANCE_QDRANT_URL', 'MORAG_CONFORMANCE_REQUIRE', 'MORAG_TEST_DATABASE_URL', 'MORAG_EVAL_DIR'])(
    'do not include %s, which tests read',
    (name) => {
      expect(problemsOf(() => upConfig({ [name]: 'x' }))).toEqual([]);
    },
  );
});

it('starts on one machine without a single variable', () => {
  expect(upConfig({})).toMatchObject({
    dataDir: './.morag',
    processes: 'one',
    databaseUrl: undefined,
    addresses: { gateway: { port: 8080 }, postgres: { port: 7432 }, chroma: { port: 7800 }, memory: { port: 7004 } },
  });
});
