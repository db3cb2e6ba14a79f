import type { Embedder } from '@morag/embedder';
import { languageByFunctionWords } from '../../function-words.ts';
import { UNDETERMINED } from '../../language.ts';

/**
 * The vector leg's share for a passage by its language: nothing where the embedding model understands either the passage's
 * language or the question's not at all. What cannot be told is taken to be understood.
 */
export function languageWeights(
  { languages }: Pick<Embedder, 'languages'>,
  query: string,
  vectorWeight: number,
): (language: string | undefined) => number {
  const understands = (language: string | undefined): boolean =>
    languages === undefined || language === undefined || language === UNDETERMINED || languages.includes(language);
  if (!understands(languageByFunctionWords(query))) return () => 0;
  return (language) => (understands(language) ? vectorWeight : 0);
}
