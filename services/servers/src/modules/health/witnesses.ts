import type { HealthFleet } from './health-fleet.ts';
import { isUp } from './health-status.ts';
import type { HealthView } from './health-view.ts';

const WITNESSES = 2;

/** Others to look at while a server fails, picked by chance of those that are up: what they answer tells whose the fault is. */
export function chooseWitnesses(
  serverId: string,
  ids: readonly string[],
  {
    fleet,
    board,
    random,
  }: {
    readonly fleet: Pick<HealthFleet, 'judgement'>;
    readonly board: Pick<HealthView, 'statusOf'>;
    readonly random: () => number;
  },
): readonly string[] {
  const witnesses: string[] = [];
  const start = Math.floor(random() * ids.length);
  for (let at = 0; at < ids.length && witnesses.length < WITNESSES; at++) {
    const other = ids[(start + at) % ids.length];
    if (other === undefined || other === serverId || !isUp(board.statusOf(other))) continue;
    // One that has just failed is looked at soon enough.
    if (fleet.judgement(other).failures === 0) witnesses.push(other);
  }
  return witnesses;
}
