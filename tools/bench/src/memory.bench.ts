import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { newInstallation } from '@morag/testing';
import { type Line, numberLine } from './report.ts';

const SERVICES = ['identity', 'servers', 'documents', 'gateway'] as const;

/** P14: resident memory of each service and of all in one, idle, against a bare Node.js; and the time until it is ready. */
export async function memoryBenchmark(): Promise<Line[]> {
  const bare = await bareNodeBytes();
  const lines: Line[] = [];
  const separate = await newInstallation({ MORAG_PROCESSES: 'separate' });
  await separate.start();
  for (const name of SERVICES) {
    const pid = Number(readFileSync(join(separate.folder, 'run', `${name}.pid`), 'utf8'));
    lines.push(numberLine('P14', `${name}, idle memory over bare Node.js`, residentBytes(pid) / bare, 2));
  }
  await separate.remove();

  const together = await newInstallation();
  await together.start();
  const pid = Number(readFileSync(join(together.folder, 'morag.pid'), 'utf8'));
  lines.push(numberLine('P14', 'all in one process, idle memory over bare Node.js', residentBytes(pid) / bare, 3));
  await together.stop();
  const begun = performance.now();
  await together.start();
  lines.push(
    numberLine('P14', 'second start until ready, databases included', (performance.now() - begun) / 1000, 1, 's'),
  );
  await together.remove();
  return lines;
}

async function bareNodeBytes(): Promise<number> {
  const child = spawn(process.execPath, [
    '-e',
    "require('node:http').createServer().listen(0, () => console.log('up'))",
  ]);
  await once(child.stdout, 'data');
  const bytes = residentBytes(child.pid ?? 0);
  child.kill();
  return bytes;
}

function residentBytes(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}
