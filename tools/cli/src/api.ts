import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CliError } from './cli-error.ts';

/** The gateway, as the person at the terminal reaches it. */
export interface Api {
  readonly gateway: string;
  /** A fresh access token. */
  token(): Promise<string>;
  /** Calls the gateway and returns the JSON that it answers; its problem becomes a CliError. */
  call<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** The same for a form with a file. */
  send<T>(path: string, form: FormData): Promise<T>;
}

/** What `credentials.json` of an installation holds. */
interface Credentials {
  readonly email: string;
  readonly password: string;
  readonly gateway: string;
}

interface Problem {
  readonly detail?: string;
  readonly violations?: readonly { readonly field: string; readonly description: string }[];
}

const TIMEOUT_MS = 60_000;

/** Signs in with the credentials that the installation made at its first start. */
export function openApi(dataDir: string): Api {
  const { email, password, gateway } = readCredentials(dataDir);
  let signedIn: Promise<string> | undefined;

  async function request<T>(path: string, init: RequestInit): Promise<T> {
    const response = await fetch(gateway + path, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(
      (cause: unknown) => {
        throw new CliError(`${gateway} does not answer; is it running? Start it with: npm start`, { cause });
      },
    );
    const text = await response.text();
    if (!response.ok) throw new CliError(problemText(response.status, text));
    return (text === '' ? {} : JSON.parse(text)) as T;
  }

  async function signIn(): Promise<string> {
    const body = JSON.stringify({ email, password });
    const login = await request<{ accessToken: string }>('/v1/auth/login', {
      method: 'POST',
      headers: JSON_BODY,
      body,
    });
    return login.accessToken;
  }

  const token = (): Promise<string> => {
    signedIn ??= signIn();
    return signedIn;
  };
  const authorization = async (): Promise<Record<string, string>> => ({ authorization: `Bearer ${await token()}` });
  return {
    gateway,
    token,
    async call(method, path, body) {
      const headers = { ...(await authorization()), ...(body === undefined ? {} : JSON_BODY) };
      return request(path, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
    },
    async send(path, form) {
      return request(path, { method: 'POST', headers: await authorization(), body: form });
    },
  };
}

const JSON_BODY = { 'content-type': 'application/json' };

function readCredentials(dataDir: string): Credentials {
  const file = join(dataDir, 'credentials.json');
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Credentials;
  } catch (cause) {
    throw new CliError(`${file} cannot be read; run this where npm start was run, or set MORAG_DATA_DIR`, { cause });
  }
}

function problemText(status: number, text: string): string {
  try {
    const { detail, violations = [] } = JSON.parse(text) as Problem;
    const lines = violations.map(({ field, description }) => `  ${field}: ${description}`);
    return [detail ?? `the gateway answered ${status}`, ...lines].join('\n');
  } catch {
    return `the gateway answered ${status}`;
  }
}
