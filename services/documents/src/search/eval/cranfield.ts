import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExtractedDocument } from '../../extract/block.ts';
import { finishDraft, unwrap } from '../../extract/draft.ts';

/** The Cranfield collection: abstracts, questions and which abstracts answer which. */
export interface Cranfield {
  readonly documents: readonly { readonly id: string; readonly document: ExtractedDocument }[];
  readonly queries: readonly { readonly text: string; readonly relevant: ReadonlySet<string> }[];
}

/** Reads the collection from `<folder>/cranfield`. The judgements number the queries by their order in the file, not by `<num>`. */
export function readCranfield(folder: string): Cranfield {
  const read = (file: string): string => readFileSync(join(folder, 'cranfield', file), 'utf8');
  const documents = elements(read('cran.all.1400.xml'), 'doc').map((doc) => ({
    id: only(doc, 'docno'),
    document: documentOf(only(doc, 'title'), only(doc, 'text')),
  }));
  const relevant = new Map<string, Set<string>>();
  for (const line of read('cranqrel.trec.txt').split('\n')) {
    const [query, , document, judgement] = line.trim().split(/\s+/);
    if (query === undefined || document === undefined || Number(judgement) <= 0) continue;
    relevant.set(query, (relevant.get(query) ?? new Set()).add(document));
  }
  const queries = elements(read('cran.qry.xml'), 'top').map((top, at) => ({
    text: only(top, 'title'),
    relevant: relevant.get(String(at + 1)) ?? new Set<string>(),
  }));
  return { documents, queries };
}

function documentOf(title: string, text: string): ExtractedDocument {
  const blocks = [
    { kind: 'heading', level: 1, text: title },
    { kind: 'paragraph', text },
  ] as const;
  return finishDraft('text', { title, blocks, language: 'en', charactersFound: 0 });
}

function only(xml: string, name: string): string {
  return unwrap(elements(xml, name)[0] ?? '');
}

function elements(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([\\s\\S]*?)</${name}>`, 'g'))].map((match) => match[1] ?? '');
}
