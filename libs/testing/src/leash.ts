import { isMainThread } from 'node:worker_threads';

/**
 * Loaded before a program by `spawnLeashed`. The other end of its standard input closes when its parent dies, however that
 * dies: then it is told to stop.
 */
if (isMainThread) {
  process.stdin.once('end', () => process.kill(process.pid, 'SIGTERM')).resume();
  // By itself it keeps no program from ending.
  (process.stdin as NodeJS.ReadStream).unref();
}
