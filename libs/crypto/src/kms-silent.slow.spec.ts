import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, expect, it } from '@jest/globals';
import { loadRootKey } from './keys.ts';

const ARN = 'arn:aws:kms:eu-central-1:123456789012:key/0d3f1f55-2f0c-4f0e-9d6c-6a3a5f6f7a10';
const sockets: Socket[] = [];
const before = process.env;

/** Takes connections and never says a word. */
const silent = createServer((socket) => void sockets.push(socket));

afterEach(() => {
  process.env = before;
  for (const socket of sockets) socket.destroy();
  silent.close();
});

it('a KMS that takes the question and never answers ends a start after 20 seconds', async () => {
  await once(silent.listen(0, '127.0.0.1'), 'listening');
  const { port } = silent.address() as AddressInfo;
  const credentials = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' };
  process.env = { ...before, ...credentials, AWS_ENDPOINT_URL_KMS: `http://127.0.0.1:${port}` };
  await expect(loadRootKey({ key: `aws-kms:${ARN}:AAAA` })).rejects.toThrow(
    `AWS KMS has not answered for ${ARN} within 20 s`,
  );
}, 60_000);
