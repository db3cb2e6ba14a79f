import { type AwsWrappedKey, generateByAws, unwrapByAws } from './aws-kms.ts';
import { generateMasterKey, MasterKeyError, parseKey, type SecretKey } from './key-text.ts';
import type { KeyReader } from './master-keys.ts';

const AWS = 'aws-kms:';
/** More keys than stand in one file; those of files before it go. */
const REMEMBERED_MAX = 4;

/**
 * Reads a key itself, or one that a key management service has wrapped: `aws-kms:<ARN>:<ciphertext in base64url>`. What
 * was unwrapped is remembered, so that a file that changes around a key costs no call, and no outage of the service matters.
 */
export function createKeyReader(): KeyReader {
  const unwrapped = new Map<string, SecretKey>();
  return async (text) => {
    if (!text.startsWith(AWS)) return parseKey(text);
    const key = unwrapped.get(text) ?? (await unwrapByAws(parseWrapped(text)));
    unwrapped.set(text, key);
    const [oldest] = unwrapped.keys();
    if (unwrapped.size > REMEMBERED_MAX && oldest !== undefined) unwrapped.delete(oldest);
    return key;
  };
}

/**
 * The text of a new master key. `kms` names the AWS KMS key that wraps it (ARN, id or alias), so that the text may lie
 * open; without one it is the key itself.
 */
export async function newKeyText(kms: string | undefined): Promise<string> {
  if (kms === undefined) return generateMasterKey();
  const { keyArn, ciphertext } = await generateByAws(kms);
  return `${AWS}${keyArn}:${ciphertext.toString('base64url')}`;
}

/** The KMS key that wraps the key of this text; undefined when nothing does. */
export function wrappedBy(text: string): string | undefined {
  return text.startsWith(AWS) ? parseWrapped(text).keyArn : undefined;
}

function parseWrapped(text: string): AwsWrappedKey {
  const [, keyArn, ciphertext] = /^aws-kms:(arn:\S+):([\w-]+)$/.exec(text) ?? [];
  if (keyArn === undefined || ciphertext === undefined) {
    throw new MasterKeyError('a master key under AWS KMS must read aws-kms:<ARN>:<ciphertext>');
  }
  return { keyArn, ciphertext: Buffer.from(ciphertext, 'base64url') };
}
