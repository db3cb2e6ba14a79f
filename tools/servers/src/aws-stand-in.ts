import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '@morag/embedded';
import { serversFolder } from './folders.ts';
import { LabError } from './lab-server.ts';
import { findPython } from './python.ts';

const run = promisify(execFile);
const VERSION = '5.2.5';
const INSTALL_TIMEOUT_MS = 300_000;
const START_TIMEOUT_MS = 60_000;
const POLL_MS = 100;

/** Amazon's interfaces without Amazon: S3, KMS and more, kept in memory. */
export interface AwsStandIn {
  readonly url: string;
  /** What a program needs in its environment to use it; any credentials will do. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** Starts moto's server, installed from PyPI when it is not. */
export async function startAwsStandIn(): Promise<AwsStandIn> {
  const program = await install();
  const port = await freePort();
  const child = spawn(program, ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
  const exited = once(child, 'exit');
  const url = `http://127.0.0.1:${port}`;
  const until = performance.now() + START_TIMEOUT_MS;
  while (!(await answers(url))) {
    if (child.exitCode !== null || performance.now() > until) {
      child.kill('SIGKILL');
      throw new LabError('moto did not come up');
    }
    await delay(POLL_MS);
  }
  return {
    url,
    env: { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'us-east-1' },
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

async function install(): Promise<string> {
  const folder = join(serversFolder(), `moto-${VERSION}`);
  const program = join(folder, 'bin', 'moto_server');
  if (existsSync(program)) return program;
  rmSync(folder, { recursive: true, force: true });
  const options = ['--quiet', '--disable-pip-version-check', '--no-compile'];
  try {
    await run(await findPython(), ['-m', 'venv', folder]);
    await run(join(folder, 'bin', 'pip'), ['install', ...options, `moto[server]==${VERSION}`], {
      timeout: INSTALL_TIMEOUT_MS,
    });
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    const { stderr = '' } = error as { stderr?: string };
    throw new LabError(`moto ${VERSION} cannot be installed:\n${stderr.trim() || String(error)}`);
  }
  return program;
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/moto-api/`, { signal: AbortSignal.timeout(2_000) })).ok;
  } catch {
    return false;
  }
}
