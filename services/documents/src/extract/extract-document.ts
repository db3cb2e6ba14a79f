import { DomainError } from '@morag/errors';
import type { DocumentType, ExtractedDocument } from './block.ts';
import { extractCsv } from './csv.extractor.ts';
import { decodeText } from './decode-text.ts';
import { detectType } from './detect-type.ts';
import { type Draft, finishDraft } from './draft.ts';
import { extractHtml } from './html.extractor.ts';
import { extractJson } from './json.extractor.ts';
import { extractMarkdown } from './markdown.extractor.ts';
import { extractText } from './text.extractor.ts';

/** What is known of a file besides its bytes. */
export interface FileFacts {
  /** As uploaded; decides, with the content, what the file is. */
  readonly name: string;
  /** Media type that the upload declared; used where the name says nothing. */
  readonly declaredType?: string;
}

/**
 * Reads a file as text with structure. Throws DomainErrors: EMPTY_FILE, UNSUPPORTED_FILE_TYPE, UNREADABLE_FILE
 * (damaged, encrypted, in no known encoding) and NO_TEXT_FOUND.
 */
export async function extractDocument(
  bytes: Uint8Array,
  file: FileFacts,
  signal: AbortSignal,
): Promise<ExtractedDocument> {
  if (bytes.byteLength === 0) throw new DomainError('EMPTY_FILE', `${file.name} is empty.`);
  const type = await detectType(bytes, file.name, file.declaredType);
  const extracted = finishDraft(type, await draftOf(type, bytes, file.name, signal));
  if (!extracted.blocks.some((block) => /[\p{L}\p{N}]/u.test(block.text))) {
    throw new DomainError('NO_TEXT_FOUND', `${file.name} holds no text${type === 'pdf' ? '; is it scanned?' : '.'}`);
  }
  return extracted;
}

async function draftOf(type: DocumentType, bytes: Uint8Array, name: string, signal: AbortSignal): Promise<Draft> {
  switch (type) {
    case 'pdf': {
      // Loaded when needed: pdf.js is the largest part of the program.
      const { extractPdf } = await import('./pdf/pdf.extractor.ts');
      return extractPdf(bytes, name, signal);
    }
    case 'html':
      return extractHtml(decodeText(bytes, name, 'html'));
    case 'markdown':
      return extractMarkdown(decodeText(bytes, name));
    case 'text':
      return extractText(decodeText(bytes, name));
    case 'csv':
      return extractCsv(decodeText(bytes, name));
    case 'json':
      return extractJson(decodeText(bytes, name), name);
  }
}
