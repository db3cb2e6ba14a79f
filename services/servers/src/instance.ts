import { createHash, randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/**
 * Who holds a lease. A process that was killed on this machine can be told from one that is silent, so that what it held
 * need not wait for its lease to run out; about other machines nothing can be known.
 */
export interface Instance {
  /** At most 64 characters: machine, process, and a part that is never used again. */
  readonly id: string;
  /** What the ids of all instances of this machine begin with. */
  readonly machine: string;
  /** True only when the process is certainly gone. */
  isDead(instanceId: string): boolean;
}

/** Names this instance. */
export function createInstance(machine = machineKey(), isRunning = isProcess): Instance {
  return {
    id: `${machine}.${process.pid}.${randomUUID()}`,
    machine,
    isDead(instanceId) {
      const [where, pid] = instanceId.split('.');
      return where === machine && pid !== undefined && !isRunning(Number(pid));
    },
  };
}

/** A process id means something only within one boot of one machine, and within one container of it. */
function machineKey(): string {
  const parts = [hostname(), read(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'))];
  parts.push(read(() => readlinkSync('/proc/self/ns/pid')));
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 16);
}

function read(source: () => string): string {
  try {
    return source();
  } catch {
    // Elsewhere than on Linux the host name has to do.
    return '';
  }
}

function isProcess(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Not ours to signal, but there.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
