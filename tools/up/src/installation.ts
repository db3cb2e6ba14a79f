import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { generateMasterKey, writeSecretFile } from '@morag/crypto';
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
export async function openInstallation(folder: DataFolder, gateway: string): Promise<Installation> {
  const secret = (): string => randomBytes(24).toString('base64url');
  const masterKeyFile = folder.at('keys', 'master.key');
  const signingKeyFile = folder.at('keys', 'jwt-signing.pem');
  const credentialsFile = folder.at('credentials.json');
  await makeOnce(masterKeyFile, generateMasterKey);
  await makeOnce(signingKeyFile, generateSigningKeyPem);
  const postgresPassword = await makeOnce(folder.at('keys', 'postgres.password'), secret);
  const stored = await makeOnce(credentialsFile, () =>
    JSON.stringify({ email: ADMINISTRATOR, password: secret(), gateway }),
  );
  const administrator: Credentials = { ...(JSON.parse(stored) as Credentials), gateway };
  const current = `${JSON.stringify(administrator, null, 2)}\n`;
  if (stored !== current) await writeSecretFile(credentialsFile, current);
  return { masterKeyFile, signingKeyFile, postgresPassword, administrator, credentialsFile };
}

/** A start that is cut short leaves a whole file or none. */
async function makeOnce(file: string, make: () => string): Promise<string> {
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    await writeSecretFile(file, make());
  }
  return readFileSync(file, 'utf8');
}
