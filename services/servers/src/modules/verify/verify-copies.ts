import { setTimeout as sleep } from 'node:timers/promises';
import { DomainError } from '@morag/errors';
import { fromConnectorError } from '../connector/connector-errors.ts';
import type { DatabaseView, PlacementView } from '../database/database-view.ts';
import { findSuspects } from './compare-copies.ts';
import { type DifferenceKind, recheck } from './recheck.ts';
import { type RepairDeps, repairRecords } from './repair.ts';

/** What a comparison of placements found. */
export interface Findings {
  /** All placements hold the same records: as found, or, after a repair, as it left them. */
  readonly equal: boolean;
  readonly counts: Readonly<Record<DifferenceKind, number>>;
  /** Up to 100 of each kind, `missing:…`. */
  readonly examples: readonly string[];
}

/** Told how far a comparison is, from 0 to 1. */
export type OnShare = (share: number) => Promise<void>;

const EXAMPLES_MAX = 100;
/** Views of the database elsewhere, and the placements that a repair is written to, are up to date after so long. */
const SETTLE_MS = 50;

/** Compares placements with the primary of their database, and mends what differs if `repair` says so. */
export async function verifyCopies(
  deps: RepairDeps,
  view: DatabaseView,
  copies: readonly PlacementView[],
  { repair, onShare }: { readonly repair: boolean; readonly onShare: OnShare },
  signal: AbortSignal,
): Promise<Findings> {
  const found = await compareAll(deps, view, copies, onShare, signal);
  const ids = [...new Set(found.flatMap(({ id }) => id))];
  if (!repair || ids.length === 0) return toFindings(found, ids.length === 0);
  await repairRecords(deps, view, ids, signal);
  await sleep(SETTLE_MS, undefined, { signal });
  const left = await compareAll(deps, view, copies, onShare, signal);
  return toFindings(found, left.length === 0);
}

interface Found {
  readonly id: string;
  readonly kind: DifferenceKind;
}

async function compareAll(
  deps: RepairDeps,
  view: DatabaseView,
  copies: readonly PlacementView[],
  onShare: OnShare,
  signal: AbortSignal,
): Promise<readonly Found[]> {
  const { primary, dimension, metric } = view;
  const found: Found[] = [];
  for (const [index, copy] of copies.entries()) {
    const pair = { primary, copy, dimension, metric };
    try {
      found.push(...(await recheck(deps, pair, await findSuspects(deps, pair, signal), signal)));
    } catch (error) {
      throw fromConnectorError(error, signal);
    }
    await onShare((index + 1) / copies.length);
  }
  return found;
}

function toFindings(found: readonly Found[], equal: boolean): Findings {
  const counts = { missing: 0, extra: 0, different: 0 };
  const examples: string[] = [];
  for (const { id, kind } of found) if (++counts[kind] <= EXAMPLES_MAX) examples.push(`${kind}:${id}`);
  return { equal, counts, examples };
}

/** The error for a placement that cannot be compared now. */
export function notComparable({ id, state }: PlacementView): DomainError {
  return new DomainError('NO_PLACEMENT_AVAILABLE', `The placement ${id} cannot be compared: it is ${state}.`, {
    metadata: { placementId: id },
  });
}
