/** A loopback address of its own for each of 65,000 servers. */
export function addressOf(server: number): string {
  return `127.1.${1 + Math.floor(server / 250)}.${1 + (server % 250)}`;
}
