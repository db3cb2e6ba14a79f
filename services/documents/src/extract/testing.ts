import type { ExtractedDocument } from './block.ts';
import { extractDocument } from './extract-document.ts';

/** Extracts a file that a test holds as text or bytes. */
export function extract(name: string, content: string | Uint8Array, declaredType?: string): Promise<ExtractedDocument> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  return extractDocument(bytes, { name, ...(declaredType && { declaredType }) }, AbortSignal.timeout(20_000));
}

/** Blocks in short: `h1 Title`, `paragraph text`. */
export function outline(document: ExtractedDocument): string[] {
  return document.blocks.map((block) => `${block.kind === 'heading' ? `h${block.level}` : block.kind} ${block.text}`);
}
