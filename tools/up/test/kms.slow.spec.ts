import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CreateAliasCommand, CreateKeyCommand, DecryptCommand, KMSClient } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type AwsStandIn, startAwsStandIn } from '@morag/servers-lab';
import { type Installation, newInstallation } from '@morag/testing';
import { runRecipe } from './recipe.ts';

let aws: AwsStandIn;
let kms: KMSClient;
let installation: Installation;
let awsEnv: Record<string, string>;
let [first, second] = ['', ''];
let serverId: string;

beforeAll(async () => {
  aws = await startAwsStandIn();
  awsEnv = { ...aws.env, AWS_ENDPOINT_URL_KMS: aws.url };
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  kms = new KMSClient({ endpoint: aws.url, region: 'us-east-1', credentials });
  first = await newKmsKey('alias/morag');
  second = await newKmsKey('alias/morag-next');
  installation = await newInstallation(awsEnv);
  await runKmsRecipe(0);
  await installation.start();
  const server = { name: 'guarded', type: 'CHROMA', host: '127.0.0.1', port: installation.ports.chroma, apiKey: 'k-1' };
  serverId = (await installation.call<{ id: string }>('POST', '/v1/servers', server)).body.id;
}, 240_000);

afterAll(async () => {
  await installation?.remove();
  kms?.destroy();
  await aws?.stop();
});

async function newKmsKey(alias: string): Promise<string> {
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
  await kms.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: KeyMetadata?.KeyId }));
  return KeyMetadata?.Arn ?? '';
}

function runKmsRecipe(block: number): Promise<string> {
  const { folder, ports } = installation;
  const env = { ...awsEnv, MORAG_DATA_DIR: folder, MORAG_POSTGRES_PORT: String(ports.postgres) };
  return runRecipe({ section: 'A master key under AWS KMS', block, env });
}

const keyFile = (): string => join(installation.folder, 'keys', 'master.key');

/** Has the service open the server's secret. */
async function openSecret(): Promise<unknown> {
  return (await installation.call('POST', `/v1/servers/${serverId}:testConnection`, {})).body;
}

describe('a master key under AWS KMS', () => {
  it('guards secrets, and is not in its file', async () => {
    const [, ciphertext = ''] = /:([\w-]+)\n$/.exec(readFileSync(keyFile(), 'utf8')) ?? [];
    const { Plaintext = new Uint8Array() } = await kms.send(
      new DecryptCommand({
        CiphertextBlob: Buffer.from(ciphertext, 'base64url'),
        EncryptionContext: { application: 'morag', purpose: 'master key' },
      }),
    );
    expect(Plaintext).toHaveLength(32);
    const stored = readFileSync(keyFile(), 'utf8');
    for (const form of ['base64', 'base64url', 'hex'] as const) {
      expect(stored).not.toContain(Buffer.from(Plaintext).toString(form).slice(0, 20));
    }
    expect(stored).toContain(first);
    expect(await openSecret()).toMatchObject({ success: true });
  }, 60_000);

  it('goes to another KMS key while calls open secrets, and none fails', async () => {
    const rotation = runKmsRecipe(1);
    let isOver = false;
    const over = rotation.finally(() => {
      isOver = true;
    });
    while (!isOver) expect(await openSecret()).toMatchObject({ success: true });
    expect(await over).toContain(second);
    expect(readFileSync(keyFile(), 'utf8')).not.toContain(first);
  }, 120_000);

  it('is enough for a restart', async () => {
    await installation.stop();
    await installation.start();
    expect(await openSecret()).toMatchObject({ success: true });
    await installation.stop();
  }, 120_000);

  it('is refused where the text names another KMS key than wrapped it', async () => {
    const good = readFileSync(keyFile(), 'utf8');
    writeFileSync(keyFile(), good.replace(second, first));
    await expect(installation.start()).rejects.toThrow(/AWS KMS refuses to use arn:\S+: |is not wrapped by arn:/);
    writeFileSync(keyFile(), good);
  }, 120_000);

  it('ends a start with a clear line when KMS is away', async () => {
    await aws.stop();
    await expect(installation.start()).rejects.toThrow(`AWS KMS cannot be asked for ${second}: ECONNREFUSED`);
  }, 120_000);
});
