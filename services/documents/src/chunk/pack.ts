import type { Unit } from './units.ts';

/** Bounds of a passage, in estimated tokens. */
export interface PackBounds {
  readonly tokensMax: number;
  /** Repeated from the end of one passage at the start of the next. */
  readonly overlap: number;
}

/**
 * Packs units in order into passages of about equal size, none larger than the bound unless a single unit is. A passage ends
 * between two blocks where that leaves it at least half full. Its first units may be repeated from the one before.
 */
export function pack(units: readonly Unit[], bounds: PackBounds): Unit[][] {
  const aim = fairShare(tokensOf(units), bounds);
  const passages: Unit[][] = [];
  let current: Unit[] = [];
  let tokens = 0;
  for (const unit of units) {
    const isFull = tokens + unit.tokens > bounds.tokensMax;
    // Equal shares: another unit goes in as long as that brings the passage nearer to its share than leaving it out.
    const isEnough = tokens + unit.tokens / 2 > aim;
    if (current.length > 0 && (isFull || isEnough)) {
      const end = endOf(current, unit, aim);
      const rest = current.slice(end);
      const passage = current.slice(0, end);
      passages.push(passage);
      const free = bounds.tokensMax - tokensOf(rest) - unit.tokens;
      current = [...tail(passage, Math.min(bounds.overlap, free)), ...rest];
      tokens = tokensOf(current);
    }
    current.push(unit);
    tokens += unit.tokens;
  }
  if (current.length > 0) passages.push(current);
  return passages;
}

function tokensOf(units: readonly Unit[]): number {
  return units.reduce((sum, unit) => sum + unit.tokens, 0);
}

/** The size of passages when all are equal. Each but the first brings its overlap along. */
function fairShare(total: number, { tokensMax, overlap }: PackBounds): number {
  const count = Math.max(1, Math.ceil((total - overlap) / (tokensMax - overlap)));
  return (total + (count - 1) * overlap) / count;
}

/** How many of the units make the passage: all, or those before the block that the next unit would cut. */
function endOf(units: readonly Unit[], next: Unit, aim: number): number {
  if (next.startsBlock) return units.length;
  const start = units.findLastIndex((unit) => unit.startsBlock);
  return start > 0 && tokensOf(units.slice(0, start)) >= aim / 2 ? start : units.length;
}

/** The last sentences, as far as they fit. */
function tail(units: readonly Unit[], tokensMax: number): Unit[] {
  let tokens = 0;
  let from = units.length;
  // Never the whole passage: it would be found twice.
  while (from > 1) {
    const unit = units[from - 1];
    if (!unit?.repeatable || tokens + unit.tokens > tokensMax) break;
    tokens += unit.tokens;
    from--;
  }
  return units.slice(from);
}
