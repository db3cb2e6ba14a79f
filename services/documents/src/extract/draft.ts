import { detectLanguage } from '../language.ts';
import { BLOCK_SEPARATOR, type Block, type BodyBlock, type DocumentType, type ExtractedDocument } from './block.ts';

/** A block before it has its place. */
export type DraftBlock =
  | { readonly kind: 'heading'; readonly level: number; readonly text: string; readonly page?: number }
  | { readonly kind: BodyBlock['kind']; readonly text: string; readonly page?: number };

/** What a format's extractor makes of a file. */
export interface Draft {
  readonly title?: string;
  readonly blocks: readonly DraftBlock[];
  /** Characters of text that the file holds, before the extractor left anything out. */
  readonly charactersFound: number;
  /** As the file declares it; otherwise it is detected. */
  readonly language?: string;
}

const TITLE_CHARACTERS_MAX = 255;
/** What no reader sees: controls but tab and newline, soft hyphens, zero-width characters, marks of byte order. */
const INVISIBLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u200b-\u200d\u2060\ufeff]/g;
const BROKEN = /[\ufffd\ue000-\uf8ff\u0000-\u0008\u000e-\u001f]/g;

/** Cleans the blocks, drops empty ones and gives the rest their place in the extracted text. */
export function finishDraft(type: DocumentType, draft: Draft): ExtractedDocument {
  const blocks: Block[] = [];
  let offset = 0;
  let charactersBroken = 0;
  let charactersKept = 0;
  for (const block of draft.blocks) {
    charactersBroken += block.text.match(BROKEN)?.length ?? 0;
    const text = block.kind === 'code' || block.kind === 'table' ? tidyLines(block.text) : tidyProse(block);
    if (text === '') continue;
    blocks.push({ ...block, text, offset });
    offset += text.length + BLOCK_SEPARATOR.length;
    charactersKept += visibleLength(text);
  }
  const title = titleOf(draft, blocks);
  return {
    type,
    ...(title && { title }),
    language: draft.language ?? detectLanguage(prose(blocks)),
    blocks,
    statistics: { charactersFound: Math.max(draft.charactersFound, charactersKept), charactersKept, charactersBroken },
  };
}

/** Characters that carry meaning, so that layout does not count. */
export function visibleLength(text: string): number {
  return text.replaceAll(/\s+/g, '').length;
}

/** Joins the words of a text that was broken into lines for a page or a screen. */
export function unwrap(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}

function tidyProse(block: DraftBlock): string {
  const text = clean(block.text);
  if (block.kind === 'heading') return unwrap(text);
  return text
    .split('\n')
    .map((line) => line.replaceAll(/[^\S\n]+/g, ' ').trim())
    .filter((line) => line !== '')
    .join('\n');
}

/** Code and tables keep their lines and indentation, without the empty lines around them. */
function tidyLines(text: string): string {
  return clean(text)
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .replaceAll(/^\n+|\n+$/g, '');
}

function clean(text: string): string {
  return text.replaceAll(/\r\n?/g, '\n').replaceAll(INVISIBLE, '').normalize('NFC');
}

function titleOf(draft: Draft, blocks: readonly Block[]): string | undefined {
  const first = blocks.slice(0, 5).find((block) => block.kind === 'heading');
  const title = unwrap(clean(draft.title ?? '')) || first?.text;
  return title?.slice(0, TITLE_CHARACTERS_MAX);
}

/** Code says little about the language of a document, unless there is nothing else. */
function prose(blocks: readonly Block[]): string {
  const texts = blocks.filter((block) => block.kind !== 'code').map((block) => block.text);
  return (texts.length > 0 ? texts : blocks.map((block) => block.text)).join('\n');
}
