import type { Chunk } from '../chunk/chunk.ts';
import { chunkDocument } from '../chunk/chunk-document.ts';
import type { DocumentType } from '../extract/block.ts';
import { extractDocument, type FileFacts } from '../extract/extract-document.ts';
import { qualityOf } from '../quality.ts';

/** A file as what search needs of it. */
export interface PreparedDocument {
  readonly type: DocumentType;
  readonly title?: string;
  /** BCP 47 primary language, or `und`. */
  readonly language: string;
  /** 0–1, see `qualityOf`. */
  readonly quality: number;
  readonly chunks: readonly Chunk[];
}

/** Extracts and chunks a file. Throws the DomainErrors of `extractDocument`. */
export async function prepareDocument(
  bytes: Uint8Array,
  file: FileFacts,
  signal: AbortSignal,
): Promise<PreparedDocument> {
  const document = await extractDocument(bytes, file, signal);
  const chunks = chunkDocument(document);
  const { type, title, language } = document;
  return { type, ...(title && { title }), language, quality: qualityOf(document, chunks), chunks };
}
