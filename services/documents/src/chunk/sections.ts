import type { Block, BodyBlock } from '../extract/block.ts';

/** The text under one heading, down to the next heading of any level. */
export interface Section {
  /** Headings from the outermost down to its own. */
  readonly path: readonly string[];
  readonly blocks: readonly BodyBlock[];
}

/** Divides a document at its headings. A heading without text of its own lives on in the paths below it. */
export function sectionsOf(blocks: readonly Block[], title: string | undefined): Section[] {
  const sections: { path: string[]; blocks: BodyBlock[] }[] = [];
  let stack: { level: number; text: string }[] = [];
  let current: BodyBlock[] | undefined;
  for (const block of blocks) {
    if (block.kind === 'heading') {
      stack = [...stack.filter((heading) => heading.level < block.level), { level: block.level, text: block.text }];
      current = undefined;
      continue;
    }
    if (!current) {
      current = [];
      sections.push({ path: stack.map((heading) => heading.text).filter((text) => text !== title), blocks: current });
    }
    current.push(block);
  }
  // A document of nothing but headings (slides, an outline) is still worth finding.
  return sections.length > 0 ? sections : outline(blocks);
}

function outline(blocks: readonly Block[]): Section[] {
  const body = blocks.map(
    (block): BodyBlock => ({ kind: 'paragraph', text: block.text, offset: block.offset, page: block.page }),
  );
  return body.length === 0 ? [] : [{ path: [], blocks: body }];
}
