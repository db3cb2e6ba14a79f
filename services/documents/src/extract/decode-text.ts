import { DomainError } from '@morag/errors';
import { analyse } from 'chardet';
import iconv from 'iconv-lite';

/** chardet's confidence (0–100) below which a guess would rather produce garbage than text. */
const CONFIDENCE_MIN = 25;
const SNIFFED_BYTES = 64 * 1024;
/** HTML declares its encoding within this much (HTML standard, "prescan a byte stream"). */
const DECLARED_WITHIN = 1024;

/**
 * The text of a file: by its byte order mark, as UTF-8, by the encoding that an HTML file declares, or by the one it
 * most probably has. Throws UNREADABLE_FILE where none makes sense of the bytes.
 */
export function decodeText(bytes: Uint8Array, name: string, format: 'html' | 'plain' = 'plain'): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const marked = byteOrderMark(buffer);
  if (marked) return iconv.decode(buffer, marked);
  const utf8 = asUtf8(buffer);
  if (utf8 !== undefined) return utf8;
  const declared = format === 'html' ? declaredEncoding(buffer) : undefined;
  const encoding = declared ?? probableEncoding(buffer);
  if (encoding === undefined) {
    throw new DomainError(
      'UNREADABLE_FILE',
      `${name} is in an encoding that cannot be recognised; UTF-8 is the safe choice.`,
    );
  }
  return iconv.decode(buffer, encoding);
}

function byteOrderMark(buffer: Buffer): string | undefined {
  if (buffer.subarray(0, 4).equals(Buffer.of(0xff, 0xfe, 0, 0))) return 'utf-32le';
  if (buffer.subarray(0, 2).equals(Buffer.of(0xff, 0xfe))) return 'utf-16le';
  if (buffer.subarray(0, 2).equals(Buffer.of(0xfe, 0xff))) return 'utf-16be';
  return undefined;
}

/** Text that is valid UTF-8 and not UTF-8 by chance is rare enough to trust. Drops a byte order mark. */
function asUtf8(buffer: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(buffer);
  } catch {
    return undefined;
  }
}

function declaredEncoding(buffer: Buffer): string | undefined {
  const head = buffer.subarray(0, DECLARED_WITHIN).toString('latin1');
  const declared = /<meta[^>]+charset\s*=\s*["']?\s*([\w-]+)/i.exec(head)?.[1];
  // A file that claims UTF-8 and got here is not.
  return declared && !/^utf-?8$/i.test(declared) && iconv.encodingExists(declared) ? declared : undefined;
}

function probableEncoding(buffer: Buffer): string | undefined {
  const best = analyse(buffer.subarray(0, SNIFFED_BYTES)).find((match) => iconv.encodingExists(match.name));
  return best && best.confidence >= CONFIDENCE_MIN ? best.name : undefined;
}
