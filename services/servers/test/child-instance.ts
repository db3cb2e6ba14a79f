import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createServiceTransport, type ServiceTransport } from '@morag/rpc';
import { spawnLeashed } from '@morag/testing';
import { type Clients, clientsOf } from './harness.ts';

const MAIN = fileURLToPath(new URL('./instance.main.ts', import.meta.url));

/** An instance of the service in a process of its own. */
export interface ChildInstance extends Clients {
  /** SIGKILL; ends when it is gone. */
  kill(): Promise<void>;
}

/** Starts one; ends when it takes calls. */
export async function startChildInstance(env: Readonly<Record<string, string>>): Promise<ChildInstance> {
  const child = spawnLeashed(MAIN, [], { env: { PATH: process.env.PATH, ...env }, stdout: 'pipe', stderr: 'inherit' });
  const [said] = (await once(child.stdout as NodeJS.EventEmitter, 'data')) as [Buffer];
  const transport: ServiceTransport = createServiceTransport({ baseUrl: `http://127.0.0.1:${said.toString().trim()}` });
  return {
    ...clientsOf(transport),
    async kill() {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
      transport.close();
    },
  };
}
