import { z } from 'zod';

/** Options that every vendor takes in `config`. */
export const commonOptions = {
  timeoutMs: z.int().min(100).max(600_000).default(30_000).describe('Deadline of one operation, in milliseconds.'),
  retries: z.int().min(0).max(10).default(2).describe('How often an operation is repeated after a passing failure.'),
  connections: z.int().min(1).max(256).default(16).describe('Sockets kept to the server at once.'),
  tlsCa: z.string().max(65_536).optional().describe('PEM of the certificate authority to trust, for TLS.'),
  tlsServerName: z.string().max(255).optional().describe('Name that the certificate must carry; the host by default.'),
};

export type CommonOptions = z.infer<z.ZodObject<typeof commonOptions>>;
