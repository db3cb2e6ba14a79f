import { randomFillSync } from 'node:crypto';

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

// Random bytes are drawn for many ids at once: one call into OpenSSL costs more than an id.
const pool = Buffer.alloc(10 * 256);
let next = pool.length;

/** A UUID of version 7 (RFC 9562): 48 bits of milliseconds, then random, so that ids sort by time. */
export function uuidv7(): string {
  if (next === pool.length) {
    randomFillSync(pool);
    next = 0;
  }
  const at = next;
  next += 10;
  const time = Date.now().toString(16).padStart(12, '0');
  const version = 0x70 | (byteAt(at) & 0x0f);
  const variant = 0x80 | (byteAt(at + 2) & 0x3f);
  let tail = '';
  for (let i = at + 4; i < at + 10; i++) tail += HEX[byteAt(i)];
  return `${time.slice(0, 8)}-${time.slice(8)}-${HEX[version]}${HEX[byteAt(at + 1)]}-${HEX[variant]}${HEX[byteAt(at + 3)]}-${tail}`;
}

function byteAt(index: number): number {
  return pool[index] ?? 0;
}
