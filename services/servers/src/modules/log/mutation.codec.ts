import { crc32 } from 'node:zlib';
import type { Metadata, VectorRecord } from '@morag/connectors-core';
import type { LoggedRecord, Mutation } from './mutation.ts';

/**
 * How a mutation is stored. All numbers are little-endian:
 *
 *     0  u8   format, 1
 *     1  u8   kind: 1 upsert, 2 delete
 *     2  u16  zero
 *     4  u32  records, or ids
 *     8  u32  dimension; 0 for a delete
 *    12  f32  all vectors, one after the other: aligned, so that reading them is a view and no copy
 *     …  for each record: id, metadata as JSON, text; each a varint of (bytes + 1), or 0 when absent, then UTF-8
 *    -4  u32  CRC-32 of everything before
 */
const FORMAT = 1;
const KIND = { UPSERT: 1, DELETE: 2 } as const;
const HEADER_BYTES = 12;
const TRAILER_BYTES = 4;
const FLOAT_BYTES = 4;

/** A mutation with its stored form; the vectors are views into it. */
export interface EncodedMutation {
  readonly mutation: Mutation;
  readonly payload: Buffer;
}

/** A stored mutation cannot be read: damaged, or of a later version of this program. */
export class CorruptMutation extends Error {
  override readonly name = 'CorruptMutation';
}

/** An upsert of records that were checked: all of the same dimension. */
export function encodeUpsert(records: readonly VectorRecord[]): EncodedMutation {
  const dimension = records[0]?.vector.length ?? 0;
  const texts = records.flatMap(({ id, metadata, document }) => [id, metadata && JSON.stringify(metadata), document]);
  const writer = createWriter(KIND.UPSERT, records.length, dimension, texts);
  const vectors = new Float32Array(writer.payload.buffer, HEADER_BYTES, records.length * dimension);
  const logged = records.map(({ id, vector, metadata, document }, index): LoggedRecord => {
    const view = vectors.subarray(index * dimension, (index + 1) * dimension);
    view.set(vector);
    return { id, vector: view, metadata, document };
  });
  return { mutation: { kind: 'UPSERT', records: logged }, payload: writer.finish() };
}

/** A delete by ids. */
export function encodeDelete(ids: readonly string[]): EncodedMutation {
  const writer = createWriter(KIND.DELETE, ids.length, 0, ids);
  return { mutation: { kind: 'DELETE', ids }, payload: writer.finish() };
}

/** The mutation that was stored; throws CorruptMutation. */
export function decodeMutation(payload: Buffer): Mutation {
  const { kind, count, dimension } = readHeader(payload);
  const textsAt = HEADER_BYTES + count * dimension * FLOAT_BYTES;
  const reader = createTextReader(payload, textsAt);
  if (kind === KIND.DELETE) {
    const ids = Array.from({ length: count }, () => required(reader.next()));
    reader.end();
    return { kind: 'DELETE', ids };
  }
  const vectors = floatsOf(payload.subarray(HEADER_BYTES, textsAt));
  const records = Array.from({ length: count }, (_, index): LoggedRecord => {
    const id = required(reader.next());
    const metadata = reader.next();
    return {
      id,
      vector: vectors.subarray(index * dimension, (index + 1) * dimension),
      metadata: metadata === undefined ? undefined : (JSON.parse(metadata) as Metadata),
      document: reader.next(),
    };
  });
  reader.end();
  return { kind: 'UPSERT', records };
}

function createWriter(kind: number, count: number, dimension: number, texts: readonly (string | undefined)[]) {
  const sizes = texts.map((text) => (text === undefined ? 0 : Buffer.byteLength(text) + 1));
  const textBytes = sizes.reduce((sum, size) => sum + varintBytes(size) + Math.max(0, size - 1), 0);
  const textsAt = HEADER_BYTES + count * dimension * FLOAT_BYTES;
  // A buffer of its own, not a slice of Node's pool: the vectors need to start on a multiple of four.
  const payload = Buffer.from(new ArrayBuffer(textsAt + textBytes + TRAILER_BYTES));
  payload.writeUInt8(FORMAT, 0);
  payload.writeUInt8(kind, 1);
  payload.writeUInt32LE(count, 4);
  payload.writeUInt32LE(dimension, 8);
  let at = textsAt;
  for (const [index, text] of texts.entries()) {
    at = writeVarint(payload, sizes[index] ?? 0, at);
    if (text !== undefined) at += payload.write(text, at);
  }
  return {
    payload,
    finish() {
      payload.writeUInt32LE(crc32(payload.subarray(0, -TRAILER_BYTES)), payload.length - TRAILER_BYTES);
      return payload;
    },
  };
}

function readHeader(payload: Buffer): { kind: number; count: number; dimension: number } {
  if (payload.length < HEADER_BYTES + TRAILER_BYTES) throw new CorruptMutation('it is too short');
  if (payload.readUInt8(0) !== FORMAT) throw new CorruptMutation(`its format is ${payload.readUInt8(0)}`);
  const end = payload.length - TRAILER_BYTES;
  if (payload.readUInt32LE(end) !== crc32(payload.subarray(0, end))) throw new CorruptMutation('its checksum is wrong');
  const kind = payload.readUInt8(1);
  const count = payload.readUInt32LE(4);
  const dimension = payload.readUInt32LE(8);
  if (kind !== KIND.UPSERT && kind !== KIND.DELETE) throw new CorruptMutation(`its kind is ${kind}`);
  if (HEADER_BYTES + count * dimension * FLOAT_BYTES > end) throw new CorruptMutation('its vectors are cut off');
  return { kind, count, dimension };
}

function createTextReader(payload: Buffer, start: number) {
  const end = payload.length - TRAILER_BYTES;
  let at = start;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; at < end; scale *= 128) {
      const byte = payload.readUInt8(at++);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw new CorruptMutation('its texts are cut off');
  };
  return {
    next(): string | undefined {
      const size = varint();
      if (size === 0) return undefined;
      const from = at;
      at += size - 1;
      if (at > end) throw new CorruptMutation('its texts are cut off');
      return payload.toString('utf8', from, at);
    },
    end() {
      if (at !== end) throw new CorruptMutation('it is too long');
    },
  };
}

function required(text: string | undefined): string {
  if (text === undefined) throw new CorruptMutation('an id is missing');
  return text;
}

// What the driver hands over may start anywhere in memory; then it is copied once to where floats may stand.
function floatsOf(bytes: Buffer): Float32Array {
  const aligned = bytes.byteOffset % FLOAT_BYTES === 0;
  const source = aligned ? bytes : new Uint8Array(bytes);
  return new Float32Array(source.buffer, source.byteOffset, source.byteLength / FLOAT_BYTES);
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

function writeVarint(payload: Buffer, value: number, start: number): number {
  let at = start;
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) payload.writeUInt8((rest % 128) | 0x80, at++);
  payload.writeUInt8(rest, at++);
  return at;
}
