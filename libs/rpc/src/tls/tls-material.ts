import { readFile } from 'node:fs/promises';
import { type ConnectionOptions, createSecureContext, type TlsOptions as ServerOptions } from 'node:tls';
import { followFiles } from '@morag/crypto';
import type { Logger } from '@morag/telemetry';

/** Where a program finds its certificate, and whom it believes. All PEM. */
export interface TlsFiles {
  /** The certificate and those between it and its root. */
  readonly certFile: string;
  readonly keyFile: string;
  /** Roots for calls to other services, instead of those of Node.js. */
  readonly caFile?: string;
  /** When set, callers must show a certificate of these roots: mutual TLS. */
  readonly clientCaFile?: string;
}

/** Certificates as they are now. */
export interface TlsMaterial {
  /** For connections that come in. */
  server(): Pick<ServerOptions, 'cert' | 'key' | 'ca' | 'minVersion' | 'requestCert' | 'rejectUnauthorized'>;
  /** For connections to other services: shows the same certificate. */
  client(): Pick<ConnectionOptions, 'cert' | 'key' | 'ca'>;
  /** Told when changed files are in use. */
  onChange(listener: () => void): void;
  /** Stops looking for changed files. */
  close(): void;
}

/** See openTls. */
export interface TlsOptions {
  /** How often the files are looked at. */
  readonly watchMs?: number;
  /** Told when changed files cannot be used; the certificates stay as they were. */
  readonly onProblem?: (error: unknown) => void;
}

const WATCH_MS = 1_000;
const VERSION = 'TLSv1.2';

/**
 * Reads the files, and reads them again when one changes, so that a certificate is renewed without a restart. Certificate
 * and key are two files: read between their two changes they do not fit, and are read again after the second.
 */
export async function openTls(
  files: TlsFiles,
  { watchMs = WATCH_MS, onProblem }: TlsOptions = {},
): Promise<TlsMaterial> {
  const named = Object.values(files).filter((file): file is string => file !== undefined);
  const followed = await followFiles(named, () => load(files), { everyMs: watchMs, onProblem });
  return {
    server: () => followed.current().server,
    client: () => followed.current().client,
    onChange: followed.onChange,
    close: followed.close,
  };
}

/** As the configuration of a program says; undefined for clear text. */
export async function openConfiguredTls(
  files: TlsFiles | undefined,
  logger: Pick<Logger, 'error'>,
): Promise<TlsMaterial | undefined> {
  const onProblem = (error: unknown): void => logger.error({ err: error }, 'the changed certificate cannot be used');
  return files && openTls(files, { onProblem });
}

async function load({ certFile, keyFile, caFile, clientCaFile }: TlsFiles) {
  const read = (file: string | undefined): Promise<Buffer | undefined> =>
    file === undefined ? Promise.resolve(undefined) : readFile(file);
  const [cert, key, ca, clientCa] = await Promise.all([certFile, keyFile, caFile, clientCaFile].map(read));
  // Throws when the two do not fit, before anything uses them.
  createSecureContext({ cert, key });
  const demanded = clientCa !== undefined;
  return {
    server: {
      cert,
      key,
      ca: clientCa,
      minVersion: VERSION,
      requestCert: demanded,
      rejectUnauthorized: demanded,
    } as const,
    client: { cert, key, ca },
  };
}
