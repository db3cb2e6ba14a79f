import { uuidOfId } from '@morag/connectors-core';
import type { NativeId } from './qdrant.answers.ts';

const UNSIGNED_MAX = 2n ** 64n - 1n;
const UNSIGNED = /^(?:0|[1-9]\d{0,19})$/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The point's id for one of ours. In a collection of another program an id that no point can have is undefined. */
export function toNativeId(id: string, ours: boolean): NativeId | undefined {
  if (ours) return uuidOfId(id);
  if (UUID.test(id)) return id;
  if (!UNSIGNED.test(id)) return undefined;
  const value = BigInt(id);
  if (value > UNSIGNED_MAX) return undefined;
  return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

/** As text, for cursors and for the points of other programs. */
export function idText(id: NativeId): string {
  return String(id);
}

/** The SDK sends and reads large ids as BigInt, which its types leave out. */
export function asSdkId(id: NativeId): string | number {
  return id as string | number;
}
