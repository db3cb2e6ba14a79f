/** What a file was recognised as. */
export const DOCUMENT_TYPES = ['pdf', 'html', 'markdown', 'text', 'csv', 'json'] as const;
export type DocumentType = (typeof DOCUMENT_TYPES)[number];

interface BlockBase {
  readonly text: string;
  /** 1-based page, for formats that have pages. */
  readonly page?: number;
  /** Where `text` starts in the extracted text (see BLOCK_SEPARATOR), in UTF-16 units. */
  readonly offset: number;
}

export interface HeadingBlock extends BlockBase {
  readonly kind: 'heading';
  /** 1 is the outermost. */
  readonly level: number;
}

/** Running text, or a unit that is better not cut: a list, a table (one line a row) or code (lines as they stand). */
export interface BodyBlock extends BlockBase {
  readonly kind: 'paragraph' | 'list' | 'table' | 'code';
}

/** A piece of a document in reading order. */
export type Block = HeadingBlock | BodyBlock;

/** A document as text with structure: what the chunker needs, whatever the format was. */
export interface ExtractedDocument {
  readonly type: DocumentType;
  /** From metadata or the first heading; absent when the document names itself nowhere. */
  readonly title?: string;
  /** BCP 47 primary language, or `und`. */
  readonly language: string;
  readonly blocks: readonly Block[];
  readonly statistics: ExtractionStatistics;
}

/** What the quality of an extraction is judged by. */
export interface ExtractionStatistics {
  /** Characters of text that the file holds, before anything was left out. */
  readonly charactersFound: number;
  /** Characters in the blocks. */
  readonly charactersKept: number;
  /** Characters that no encoding or font explains: U+FFFD, control and private-use characters. */
  readonly charactersBroken: number;
}

/** Between two blocks in the extracted text, which is what the offsets of blocks and chunks refer to. */
export const BLOCK_SEPARATOR = '\n\n';
