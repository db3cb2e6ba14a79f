import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { unwrap } from '../../extract/draft.ts';

/** The Cranfield collection: abstracts, questions and which abstracts answer which. */
export interface Cranfield {
  readonly documents: readonly { readonly id: string; readonly title: string; readonly text: string }[];
  readonly queries: readonly { readonly text: string; readonly relevant: ReadonlySet<string> }[];
}

/** Reads the collection from `<folder>/cranfield`. The judgements number the queries by their order in the file, not by `<num>`. */
export function readCranfield(folder: string): Cranfield {
  const read = (file: string): string => readFileSync(join(folder, 'cranfield', file), 'utf8');
  const documents = elements(read('cran.all.1400.xml'), 'doc').map((doc) => {
    const title = unwrap(elements(doc, 'title')[0] ?? '');
    const text = elements(doc, 'text')[0] ?? '';
    return { id: (elements(doc, 'docno')[0] ?? '').trim(), title, text: withoutTitle(unwrap(text), title) };
  });
  const relevant = new Map<string, Set<string>>();
  for (const line of read('cranqrel.trec.txt').split('\n')) {
    const [query, , document, judgement] = line.trim().split(/\s+/);
    if (query === undefined || document === undefined || Number(judgement) <= 0) continue;
    relevant.set(query, (relevant.get(query) ?? new Set()).add(document));
  }
  const queries = elements(read('cran.qry.xml'), 'top').map((top, at) => ({
    text: unwrap(elements(top, 'title')[0] ?? ''),
    relevant: relevant.get(String(at + 1)) ?? new Set<string>(),
  }));
  return { documents, queries };
}

function elements(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([\\s\\S]*?)</${name}>`, 'g'))].map((match) => match[1] ?? '');
}

/** The abstracts repeat their titles. */
function withoutTitle(text: string, title: string): string {
  return text.startsWith(title) ? text.slice(title.length).trim() : text;
}
