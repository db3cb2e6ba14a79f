/** A chunk that one leg found, with that leg's own score: higher is better, scales differ between the legs. */
export interface LegHit {
  readonly id: string;
  readonly score: number;
}

export type SearchMode = 'HYBRID' | 'VECTOR' | 'LEXICAL';
