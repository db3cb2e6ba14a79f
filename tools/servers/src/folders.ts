import { statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** Where root keeps what another account has to reach. */
const ROOT_FOLDER = '/var/lib/morag/servers';

/** Where servers are installed and keep their data. */
export function serversFolder(): string {
  const chosen = resolve(process.env.MORAG_SERVERS_DIR ?? join(homedir(), '.cache', 'morag-servers'));
  // PostgreSQL refuses to run as root, and the account it gets instead cannot enter a home of mode 700.
  return process.getuid?.() !== 0 || isReachable(chosen) ? chosen : ROOT_FOLDER;
}

/** True when every account may pass through the folder and all above it. */
function isReachable(folder: string): boolean {
  for (let path = folder; ; path = dirname(path)) {
    try {
      if ((statSync(path).mode & 0o001) === 0) return false;
    } catch {
      // Not made yet: it will be with the mode that is given then.
    }
    if (path === dirname(path)) return true;
  }
}

/** The account for programs that refuse to run as root; undefined when this one will do. */
export function unprivileged(): { uid: number; gid: number } | undefined {
  // `nobody` on every Linux that matters here.
  return process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : undefined;
}
