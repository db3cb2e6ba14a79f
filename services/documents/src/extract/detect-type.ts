import { DomainError } from '@morag/errors';
import { fileTypeFromBuffer } from 'file-type';
import type { DocumentType } from './block.ts';

const TYPES_BY_EXTENSION: Readonly<Record<string, DocumentType>> = {
  pdf: 'pdf',
  html: 'html',
  htm: 'html',
  xhtml: 'html',
  md: 'markdown',
  markdown: 'markdown',
  mdown: 'markdown',
  csv: 'csv',
  tsv: 'csv',
  json: 'json',
  jsonl: 'json',
  ndjson: 'json',
  txt: 'text',
  text: 'text',
  log: 'text',
  rst: 'text',
  adoc: 'text',
};

/** Signatures that text files may begin with, too: markup is decided by name and content below. */
const TEXTUAL_SIGNATURES = new Set(['xml', 'ics', 'vcf', 'vtt', 'srt']);
/** PDF readers accept this much before the header (ISO 32000, implementation note 13). */
const PDF_HEADER_WITHIN = 1024;
const SNIFFED_BYTES = 4096;

/**
 * What a file is, by its content, its name (and a declared media type where the name says nothing).
 * Throws UNSUPPORTED_FILE_TYPE for a file that cannot be ingested or is not what its name says.
 */
export async function detectType(bytes: Uint8Array, name: string, mediaType?: string): Promise<DocumentType> {
  const named = TYPES_BY_EXTENSION[extensionOf(name)] ?? typeOfMedia(mediaType);
  const head = bytes.subarray(0, SNIFFED_BYTES);
  if (isPdf(head)) {
    if (named === undefined || named === 'pdf') return 'pdf';
    throw unsupported(`${name} is a PDF file, which its name does not say.`);
  }
  if (named === 'pdf') throw unsupported(`${name} is not a PDF file.`);
  const signature = await fileTypeFromBuffer(bytes);
  if (signature && !TEXTUAL_SIGNATURES.has(signature.ext)) {
    throw unsupported(`${name} holds ${signature.mime}, which cannot be ingested.`);
  }
  if (isBinary(head)) throw unsupported(`${name} is neither text nor of a type that can be ingested.`);
  if (named) return named;
  return /^\s*(<\?xml[^>]*>\s*)?(<!--[\s\S]*?-->\s*)?<(!doctype\s+html|html)\b/i.test(asAscii(head)) ? 'html' : 'text';
}

function extensionOf(name: string): string {
  return /\.([^.]+)$/.exec(name)?.[1]?.toLowerCase() ?? '';
}

function typeOfMedia(mediaType: string | undefined): DocumentType | undefined {
  const essence = mediaType?.split(';')[0]?.trim().toLowerCase();
  switch (essence) {
    case 'application/pdf':
      return 'pdf';
    case 'text/html':
    case 'application/xhtml+xml':
      return 'html';
    case 'text/markdown':
      return 'markdown';
    case 'text/csv':
    case 'text/tab-separated-values':
      return 'csv';
    case 'application/json':
    case 'application/x-ndjson':
      return 'json';
    default:
      return undefined;
  }
}

function isPdf(head: Uint8Array): boolean {
  return asAscii(head.subarray(0, PDF_HEADER_WITHIN)).includes('%PDF-');
}

/**
 * Text holds no NUL but in UTF-16 and UTF-32, where every second byte may be one, and hardly any control character
 * but those that move the printing head (8–13) or start a colour (27).
 */
function isBinary(head: Uint8Array): boolean {
  if (hasWideByteOrderMark(head)) return false;
  const controls = head.filter((byte) => byte < 8 || (byte > 13 && byte < 27) || (byte > 27 && byte < 32)).length;
  return head.includes(0) || controls > head.length / 50;
}

function hasWideByteOrderMark(head: Uint8Array): boolean {
  return (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff);
}

function asAscii(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

function unsupported(message: string): DomainError {
  return new DomainError('UNSUPPORTED_FILE_TYPE', message);
}
