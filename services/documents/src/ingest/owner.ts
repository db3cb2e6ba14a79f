import { hostname } from 'node:os';
import type { Database } from '@morag/orm';
import { expireLeases, leaseOwners } from '../modules/job/lease.store.ts';

/** Tells this process from an earlier one of the same number, as every container has it. */
const PROCESS = crypto.randomUUID().slice(0, 8);
const HOST = hostname().slice(0, 64);

/** Name under which a process leases jobs: `<host>/<pid>/<random>`. */
export const LEASE_OWNER = `${HOST}/${process.pid}/${PROCESS}`;

/**
 * Ends the leases of processes of this host that are dead, so that a restart after a kill takes their jobs up at once. Were
 * two hosts of one name to meet here, a living worker would lose its lease, and nothing else: its writes are fenced.
 */
export async function expireDeadLeases(db: Database): Promise<number> {
  const dead = (await leaseOwners(db)).filter(isDead);
  return dead.length === 0 ? 0 : expireLeases(db, dead);
}

function isDead(owner: string): boolean {
  const [host, pid, processId] = owner.split('/');
  if (host !== HOST || processId === PROCESS) return false;
  return Number(pid) === process.pid || !isRunning(Number(pid));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: somebody else's, but alive.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
