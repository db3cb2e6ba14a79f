/** A passage: the unit that is embedded, indexed, found and shown. */
export interface Chunk {
  /** 0-based place in the document. */
  readonly index: number;
  readonly text: string;
  /** Headings above the passage, outermost first, without the document's title. */
  readonly headingPath: readonly string[];
  /** 1-based page on which the passage starts, for formats that have pages. */
  readonly page?: number;
  /** Place in the extracted text, in UTF-16 units; `endOffset` is exclusive. */
  readonly startOffset: number;
  readonly endOffset: number;
  /** BCP 47 primary language, or `und`. */
  readonly language: string;
  /** What the vector leg sees: title and heading path before the text. */
  readonly embeddingText: string;
  /** What the lexical leg sees. */
  readonly lexicalText: string;
  /** SHA-256 of `embeddingText`, hexadecimal: the same hash needs no new vector. */
  readonly hash: string;
}
