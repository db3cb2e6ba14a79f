import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createKeyReader, newKeyText, wrappedBy } from './key-reader.ts';
import { generateMasterKey, MasterKeyError } from './key-text.ts';
import { loadRootKey } from './keys.ts';

const ARN = 'arn:aws:kms:eu-central-1:123456789012:key/0d3f1f55-2f0c-4f0e-9d6c-6a3a5f6f7a10';
const PLAINTEXT = Buffer.from(generateMasterKey(), 'base64');
const SECRETS = { AWS_ACCESS_KEY_ID: 'AKIDCANARY', AWS_SECRET_ACCESS_KEY: 'secret-canary' };
const wrapped = `aws-kms:${ARN}:${Buffer.from('wrapped').toString('base64url')}`;

type Answer = { status: number; body: object };

let kms: Server;
let requests: { target: string; authorization: string; body: Record<string, unknown> }[];
let answers: (target: string) => Answer;
let before: NodeJS.ProcessEnv;

/** Speaks the protocol of AWS KMS, as far as it goes here; the SDK is the real one. */
beforeEach(async () => {
  requests = [];
  answers = () => ({ status: 200, body: { KeyId: ARN, Plaintext: PLAINTEXT.toString('base64') } });
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks = await request.toArray();
    const { 'x-amz-target': target = '', authorization = '' } = request.headers;
    const body = JSON.parse(Buffer.concat(chunks as Buffer[]).toString()) as Record<string, unknown>;
    requests.push({ target: String(target), authorization, body });
    const { status, body: content } = answers(String(target));
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(content));
  };
  kms = createServer((request, response) => void answer(request, response));
  await once(kms.listen(0, '127.0.0.1'), 'listening');
  before = process.env;
  process.env = {
    ...before,
    ...SECRETS,
    AWS_ENDPOINT_URL_KMS: `http://127.0.0.1:${(kms.address() as AddressInfo).port}`,
  };
});

afterEach(() => {
  process.env = before;
  kms.closeAllConnections();
  kms.close();
});

async function refusalOf(text: string): Promise<string> {
  const error: unknown = await loadRootKey({ key: text }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(MasterKeyError);
  return String(error);
}

describe('a master key that AWS KMS wraps', () => {
  it('is unwrapped once, by the key that its text names and bound to its purpose', async () => {
    const read = createKeyReader();
    expect((await read(wrapped)).export()).toEqual(PLAINTEXT);
    expect((await read(wrapped)).export()).toEqual(PLAINTEXT);
    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({
      target: 'TrentService.Decrypt',
      // The region is that of the key, whatever the machine's is.
      authorization: expect.stringContaining('/eu-central-1/kms/'),
      body: { KeyId: ARN, EncryptionContext: { application: 'morag', purpose: 'master key' } },
    });
  });

  it('is made without its plaintext', async () => {
    const ciphertext = Buffer.from('made by kms');
    answers = () => ({ status: 200, body: { KeyId: ARN, CiphertextBlob: ciphertext.toString('base64') } });
    process.env.AWS_REGION = 'eu-central-1';
    const text = await newKeyText('alias/morag');
    expect(text).toBe(`aws-kms:${ARN}:${ciphertext.toString('base64url')}`);
    expect(wrappedBy(text)).toBe(ARN);
    expect(requests).toMatchObject([
      { target: 'TrentService.GenerateDataKeyWithoutPlaintext', body: { NumberOfBytes: 32 } },
    ]);
  });

  it.each(['AccessDeniedException', 'DisabledException', 'NotFoundException', 'InvalidCiphertextException'])(
    'is refused at once, and clearly, when KMS answers %s',
    async (name) => {
      answers = () => ({ status: 400, body: { __type: name, message: `${SECRETS.AWS_ACCESS_KEY_ID} may not` } });
      expect(await refusalOf(wrapped)).toBe(`MasterKeyError: AWS KMS refuses to use ${ARN}: ${name}`);
      expect(requests).toHaveLength(1);
    },
  );

  it('is refused when another key wrapped it', async () => {
    answers = () => ({
      status: 200,
      body: { KeyId: `${ARN.slice(0, -2)}99`, Plaintext: PLAINTEXT.toString('base64') },
    });
    expect(await refusalOf(wrapped)).toContain(`is not wrapped by ${ARN}`);
  });

  it('is had when KMS fails for a moment', async () => {
    const good = answers;
    answers = (target) =>
      requests.length < 3 ? { status: 500, body: { __type: 'KMSInternalException' } } : good(target);
    expect((await createKeyReader()(wrapped)).export()).toEqual(PLAINTEXT);
    expect(requests).toHaveLength(3);
  });

  it('is not waited for without end when KMS cannot be reached', async () => {
    kms.close();
    expect(await refusalOf(wrapped)).toContain(`AWS KMS cannot be asked for ${ARN}: `);
  });

  it.each(['aws-kms:', 'aws-kms:alias/morag:AAAA', `aws-kms:${ARN}`, `${wrapped}=`])(
    'is refused when its text is %s, without asking',
    async (text) => {
      expect(await refusalOf(text)).toContain('must read aws-kms:<ARN>:<ciphertext>');
      expect(requests).toEqual([]);
    },
  );
});
