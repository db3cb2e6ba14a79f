import { createSecretKey } from 'node:crypto';
import type * as Sdk from '@aws-sdk/client-kms';
import { MasterKeyError, type SecretKey } from './key-text.ts';

/** A key that AWS KMS has wrapped: safe to store, and worth nothing without leave to call KMS. */
export interface AwsWrappedKey {
  /** ARN of the KMS key; it names the region too. */
  readonly keyArn: string;
  readonly ciphertext: Buffer;
}

/** KMS logs it, key policies can demand it, and without it nothing is unwrapped. */
const CONTEXT = { application: 'morag', purpose: 'master key' };
const KEY_BYTES = 32;
/** Of one request, in milliseconds. Requests that fail by the network are made again, with growing pauses. */
const TIMEOUTS = { connectionTimeout: 2_000, requestTimeout: 5_000, throwOnRequestTimeout: true };
const ATTEMPTS = 4;
/** Of all attempts, and of finding credentials. */
const DEADLINE_MS = 20_000;

/** A new random key, wrapped by the KMS key of this ARN, id or alias. The key itself never leaves KMS and this process. */
export async function generateByAws(keyId: string): Promise<AwsWrappedKey> {
  return withKms(keyId, async ({ GenerateDataKeyWithoutPlaintextCommand }, client, abortSignal) => {
    const command = new GenerateDataKeyWithoutPlaintextCommand({
      KeyId: keyId,
      NumberOfBytes: KEY_BYTES,
      EncryptionContext: CONTEXT,
    });
    const { KeyId: keyArn, CiphertextBlob } = await client.send(command, { abortSignal });
    if (!keyArn || !CiphertextBlob) throw new MasterKeyError('AWS KMS answers without a key');
    return { keyArn, ciphertext: Buffer.from(CiphertextBlob) };
  });
}

/** The key. Rejects with MasterKeyError when KMS refuses, or does not answer for 20 seconds. */
export async function unwrapByAws({ keyArn, ciphertext }: AwsWrappedKey): Promise<SecretKey> {
  return withKms(keyArn, async ({ DecryptCommand }, client, abortSignal) => {
    const command = new DecryptCommand({ KeyId: keyArn, CiphertextBlob: ciphertext, EncryptionContext: CONTEXT });
    const { KeyId, Plaintext } = await client.send(command, { abortSignal });
    if (KeyId !== keyArn) throw new MasterKeyError(`the master key is not wrapped by ${keyArn}`);
    if (Plaintext?.length !== KEY_BYTES) throw new MasterKeyError('what AWS KMS unwraps is not a master key');
    return createSecretKey(Plaintext);
  });
}

/** Credentials are what the SDK finds. It is loaded only here: most installations never need it, and it costs their start. */
async function withKms<T>(
  keyId: string,
  work: (sdk: typeof Sdk, client: Sdk.KMSClient, deadline: AbortSignal) => Promise<T>,
): Promise<T> {
  const sdk = await import('@aws-sdk/client-kms');
  const [, region] = /^arn:[\w-]+:kms:([\w-]+):/.exec(keyId) ?? [];
  const client = new sdk.KMSClient({ ...(region && { region }), maxAttempts: ATTEMPTS, requestHandler: TIMEOUTS });
  const deadline = Promise.withResolvers<never>();
  const controller = new AbortController();
  const timer = setTimeout(() => {
    deadline.reject(new MasterKeyError(`AWS KMS has not answered for ${keyId} within ${DEADLINE_MS / 1_000} s`));
    controller.abort();
  }, DEADLINE_MS);
  try {
    // The SDK's search for credentials does not heed the signal.
    return await Promise.race([work(sdk, client, controller.signal), deadline.promise]);
  } catch (error) {
    throw explained(error, keyId);
  } finally {
    clearTimeout(timer);
    client.destroy();
  }
}

/** Names alone: the SDK's texts can hold parts of credentials. */
function explained(error: unknown, keyId: string): unknown {
  if (error instanceof MasterKeyError || !(error instanceof Error)) return error;
  const { name, code, $fault } = error as Error & { code?: unknown; $fault?: unknown };
  if ($fault !== undefined) return new MasterKeyError(`AWS KMS refuses to use ${keyId}: ${name}`);
  return new MasterKeyError(`AWS KMS cannot be asked for ${keyId}: ${typeof code === 'string' ? code : name}`);
}
