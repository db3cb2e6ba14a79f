import { hash } from 'node:crypto';
import type { ExtractedDocument } from '../extract/block.ts';
import { detectPassageLanguage, UNDETERMINED } from '../language.ts';
import type { Chunk } from './chunk.ts';
import { type PackBounds, pack } from './pack.ts';
import { type Section, sectionsOf } from './sections.ts';
import { type Unit, unitsOf } from './units.ts';

/** Sizes of passages, in estimated tokens of the text itself. */
export interface ChunkBounds extends PackBounds {
  /** Neighbouring sections are put together until they reach this. */
  readonly tokensMin: number;
}

/**
 * Small enough that a passage is about one thing, large enough that it says all of it: on 30 questions about manuals, the answer
 * was in the first three passages 28 times with 320 tokens and 24 times with 220.
 */
export const CHUNK_BOUNDS: ChunkBounds = { tokensMax: 320, tokensMin: 25, overlap: 50 };

const HEADING_CHARACTERS_MAX = 120;
const HEADINGS_MAX = 4;

/** Cuts a document into passages along its structure. The same document and bounds always give the same passages. */
export function chunkDocument(document: ExtractedDocument, bounds: ChunkBounds = CHUNK_BOUNDS): Chunk[] {
  const language = document.language === UNDETERMINED ? 'en' : document.language;
  const sections = sectionsOf(document.blocks, document.title).map((section) => measured(section, bounds, language));
  const passages = merged(sections, bounds).flatMap((section) =>
    pack(section.units, bounds).map((units, at, all) => ({
      path: section.path,
      units,
      page: pageOf(units, all[at - 1]),
    })),
  );
  return passages.map((passage, index) => chunkOf(passage, index, document));
}

interface MeasuredSection {
  readonly path: readonly string[];
  readonly units: readonly Unit[];
  readonly tokens: number;
}

function measured(section: Section, bounds: ChunkBounds, language: string): MeasuredSection {
  const units = section.blocks.flatMap((block) => unitsOf(block, bounds.tokensMax, language));
  return { path: section.path, units, tokens: units.reduce((sum, unit) => sum + unit.tokens, 0) };
}

/** Puts a small section together with the next one under the same parent; their own headings move into the text. */
function merged(sections: readonly MeasuredSection[], bounds: ChunkBounds): MeasuredSection[] {
  const result: MeasuredSection[] = [];
  for (const section of sections) {
    const last = result.at(-1);
    const path = last && commonPath(last.path, section.path);
    const isSmall = last && last.tokens < bounds.tokensMin;
    if (
      last &&
      path &&
      isSmall &&
      last.tokens + section.tokens <= bounds.tokensMax &&
      path.length >= last.path.length - 1
    ) {
      result[result.length - 1] = {
        path,
        units: [...withHeadings(last, path), ...withHeadings(section, path)],
        tokens: last.tokens + section.tokens,
      };
    } else result.push(section);
  }
  return result;
}

function commonPath(a: readonly string[], b: readonly string[]): readonly string[] {
  const differs = a.findIndex((heading, at) => heading !== b[at]);
  return differs < 0 ? a : a.slice(0, differs);
}

/** The units of a section with the headings below `path` before its first. */
function withHeadings(section: MeasuredSection, path: readonly string[]): readonly Unit[] {
  const own = section.path.slice(path.length);
  const [first, ...rest] = section.units;
  if (!first || own.length === 0) return section.units;
  return [{ ...first, text: `${own.join('\n')}\n${first.text}`, joint: '\n\n', repeatable: false }, ...rest];
}

interface Passage {
  readonly path: readonly string[];
  readonly units: readonly Unit[];
  readonly page: number | undefined;
}

/** The page of the first unit that is not repeated from the passage before. */
function pageOf(units: readonly Unit[], before: readonly Unit[] = []): number | undefined {
  return (units.find((unit) => !before.includes(unit)) ?? units[0])?.page;
}

function chunkOf(passage: Passage, index: number, document: ExtractedDocument): Chunk {
  const [first] = passage.units;
  const body = passage.units.map((unit, at) => (at === 0 ? unit.text : unit.joint + unit.text)).join('');
  const text = first?.header === undefined ? body : `${first.header}\n${body}`;
  const headingPath = passage.path.map((heading) => heading.slice(0, HEADING_CHARACTERS_MAX));
  const context = contextOf(document.title, headingPath);
  const embedded = withContext(context, text);
  return {
    index,
    text,
    headingPath,
    ...(passage.page !== undefined && { page: passage.page }),
    startOffset: Math.min(...passage.units.map((unit) => unit.start)),
    endOffset: Math.max(...passage.units.map((unit) => unit.end)),
    language: detectPassageLanguage(text, document.language),
    embeddingText: embedded,
    // Words of titles and headings count twice: they were chosen to say what the passage is about.
    lexicalText: withContext(context, embedded),
    hash: hash('sha256', embedded),
  };
}

function withContext(context: string, text: string): string {
  return context === '' ? text : `${context}\n\n${text}`;
}

/** Title and the nearest headings: they say what a passage is about that itself only says “it”. */
function contextOf(title: string | undefined, path: readonly string[]): string {
  return [...(title ? [title.slice(0, HEADING_CHARACTERS_MAX)] : []), ...path.slice(-HEADINGS_MAX)].join(' > ');
}
