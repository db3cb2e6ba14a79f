import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { generateMasterKey } from '@morag/crypto';
import { generateSigningKeyPem } from '@morag/identity';
import type { DataFolder } from './data-folder.ts';

/** What the first start makes and every later one finds again. */
export interface Installation {
  readonly masterKeyFile: string;
  readonly signingKeyFile: string;
  /** Of the embedded PostgreSQL's superuser. */
  readonly postgresPassword: string;
  readonly administrator: Credentials;
  readonly credentialsFile: string;
}

/** What `credentials.json` holds. */
export interface Credentials {
  readonly email: string;
  readonly password: string;
  readonly gateway: string;
}

const ADMINISTRATOR = 'admin@morag.local';

/** Reads the installation's secrets, making each that is missing; files of mode 0600 in a folder of mode 0700. */
export function openInstallation(folder: DataFolder, gateway: string): Installation {
  const secret = (): string => randomBytes(24).toString('base64url');
  const masterKeyFile = folder.at('keys', 'master.key');
  const signingKeyFile = folder.at('keys', 'jwt-signing.pem');
  const credentialsFile = folder.at('credentials.json');
  makeOnce(masterKeyFile, generateMasterKey);
  makeOnce(signingKeyFile, generateSigningKeyPem);
  const postgresPassword = makeOnce(folder.at('keys', 'postgres.password'), secret);
  const stored = makeOnce(credentialsFile, () => JSON.stringify({ email: ADMINISTRATOR, password: secret(), gateway }));
  const administrator: Credentials = { ...(JSON.parse(stored) as Credentials), gateway };
  const current = `${JSON.stringify(administrator, null, 2)}\n`;
  if (stored !== current) writeSecret(credentialsFile, current);
  return { masterKeyFile, signingKeyFile, postgresPassword, administrator, credentialsFile };
}

function makeOnce(file: string, make: () => string): string {
  if (!existsSync(file)) writeSecret(file, make());
  return readFileSync(file, 'utf8');
}

/** Written beside and renamed, so that a start that is cut short leaves a whole file or none. */
function writeSecret(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
