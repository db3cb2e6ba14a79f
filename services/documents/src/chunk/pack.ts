import type { Unit } from './units.ts';

/** Bounds of a passage, in estimated tokens. */
export interface PackBounds {
  readonly tokensMax: number;
  /** Repeated from the end of one passage at the start of the next. */
  readonly overlap: number;
}

/**
 * Packs units in order into passages of about equal size, none larger than the bound unless a single unit is. The first
 * units of a passage may be repeated ones from the passage before.
 */
export function pack(units: readonly Unit[], bounds: PackBounds): Unit[][] {
  const total = units.reduce((sum, unit) => sum + unit.tokens, 0);
  // Each passage but the first brings its overlap along.
  const count = Math.max(1, Math.ceil((total - bounds.overlap) / (bounds.tokensMax - bounds.overlap)));
  const aim = (total + (count - 1) * bounds.overlap) / count;
  const passages: Unit[][] = [];
  let current: Unit[] = [];
  let tokens = 0;
  for (const unit of units) {
    const isFull = tokens + unit.tokens > bounds.tokensMax;
    // Equal shares: another unit goes in as long as that brings the passage nearer to its share than leaving it out.
    const isEnough = tokens + unit.tokens / 2 > aim;
    if (current.length > 0 && (isFull || isEnough)) {
      passages.push(current);
      current = tail(current, Math.min(bounds.overlap, bounds.tokensMax - unit.tokens));
      tokens = current.reduce((sum, each) => sum + each.tokens, 0);
    }
    current.push(unit);
    tokens += unit.tokens;
  }
  if (current.length > 0) passages.push(current);
  return passages;
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
