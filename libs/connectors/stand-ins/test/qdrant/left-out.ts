/** Exchanges that the stand-in does not repeat, by their place in the recording, each with its reason. */
export const LEFT_OUT: readonly { readonly from: number; readonly to?: number; readonly why: string }[] = [
  { from: 425, why: 'an estimate: the server itself says 13 for 9' },
  { from: 503, to: 518, why: 'snapshots are not stood in for' },
  { from: 520, to: 521, why: 'the cluster is not stood in for, beyond that there is none' },
  { from: 522, to: 525, why: 'metrics, telemetry and issues are not stood in for' },
  { from: 527, to: 528, why: 'the logger and the optimisers are not stood in for' },
  { from: 530, to: 531, why: 'shard keys and telemetry of the cluster are not stood in for' },
  { from: 563, why: 'deletes what a snapshot had brought' },
  { from: 569, why: 'counts before a write that was put off is carried out: a matter of time' },
  { from: 747, to: 748, why: '1.0, which JavaScript neither tells from 1 nor sends' },
  { from: 752, to: 755, why: '1.0, which JavaScript neither tells from 1 nor sends' },
  { from: 760, why: 'of the answer only the beginning was kept' },
  { from: 895, to: 899, why: 'how far an index is built in the background' },
];

/** Why an exchange is left out, or undefined. */
export function leftOut(place: number): string | undefined {
  return LEFT_OUT.find(({ from, to = from }) => place >= from && place <= to)?.why;
}
