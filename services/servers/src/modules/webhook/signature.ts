import { createHmac } from 'node:crypto';

/** The headers that prove to a receiver who sent a message, and when; as https://www.standardwebhooks.com has it. */
export function signatureHeaders(key: Buffer, id: string, at: Date, body: string): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1_000));
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
}

/** The key as receivers keep it. */
export function formatSecret(key: Buffer): string {
  return `whsec_${key.toString('base64')}`;
}
