import { readFileSync } from 'node:fs';

/** Jiffies of a second, as Linux tells them to programs. */
const JIFFIES_PER_SECOND = 100;

/** Seconds of CPU that a process has used. */
export function cpuSeconds(pid: number): number {
  // The second field is the name, which may hold anything but its end.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / JIFFIES_PER_SECOND;
}

/** Resident memory of a process. */
export function residentMib(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1_024;
}
