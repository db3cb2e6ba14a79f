import { fileURLToPath } from 'node:url';

/** The four manuals of the journey: PDF, HTML, Markdown and text. */
export const MANUALS = fileURLToPath(new URL('../testdata/manuals', import.meta.url));

/** A question in other words than the manual's, the file that answers it, and words of the passage. */
export const QUESTIONS = [
  {
    query: 'How often do I have to clean the misting nozzles?',
    file: 'greenhouse.pdf',
    passage: 'vinegar every six weeks',
  },
  {
    query: 'What happens when it gets very cold outside?',
    file: 'greenhouse.pdf',
    passage: 'below minus four degrees',
  },
  { query: 'When does the first crack happen?', file: 'coffee-roaster.html', passage: 'about nine minutes' },
  { query: 'Why should the chaff be emptied?', file: 'coffee-roaster.html', passage: 'common cause of fires' },
  { query: 'What must the crew do if the radar stops working?', file: 'ferry.md', passage: 'anchors where it is' },
  { query: 'How many bikes fit on the ship?', file: 'ferry.md', passage: 'room for twenty-four' },
  { query: 'How do I stop the bees from swarming?', file: 'beehive.txt', passage: 'Divide the colony' },
] as const;

/** What a search answers, as far as these tests look. */
export interface SearchAnswer {
  readonly hits: readonly {
    readonly text: string;
    readonly score: number;
    readonly document: { readonly name: string };
  }[];
  readonly degraded: boolean;
}

/** Whether one of the first three hits is the passage that answers the question; white space aside. */
export function isAnswered({ hits }: SearchAnswer, { file, passage }: (typeof QUESTIONS)[number]): boolean {
  return hits
    .slice(0, 3)
    .some(({ text, document }) => document.name === file && text.replace(/\s+/g, ' ').includes(passage));
}
