/** A request that prepares an exchange: one of the recording again, or one that was made without being recorded. */
export type Step = number | { readonly method: string; readonly path: string; readonly body?: unknown };

const remove = (name: string): Step => ({ method: 'DELETE', path: `/collections/${name}` });
const create = (name: string, size: number): Step => ({
  method: 'PUT',
  path: `/collections/${name}`,
  body: { vectors: { size, distance: 'Cosine' } },
});

/** `dz`, made anew with its three points. */
const THREE_POINTS: readonly Step[] = [835, 831, 832];

/**
 * Of equal exchanges the recorder kept the first alone, and it was switched off between its parts: what has to be sent
 * before the exchange at a place, so that the server holds what it held then.
 */
export const UNRECORDED: Readonly<Record<number, readonly Step[]>> = {
  51: [44],
  108: [remove('c1'), create('p', 4)],
  479: [create('adm', 2), create('adm2', 2)],
  502: [remove('adm')],
  532: [create('adm', 2)],
  559: [558, 558],
  561: [560, 560],
  566: [remove('adm'), remove('adm2')],
  761: [747],
  782: [remove('race')],
  794: [772],
  827: [821],
  836: THREE_POINTS,
  837: THREE_POINTS,
  838: THREE_POINTS,
  841: THREE_POINTS,
  843: THREE_POINTS,
  844: THREE_POINTS,
  846: THREE_POINTS,
  847: THREE_POINTS,
  848: THREE_POINTS,
  850: [835, 831],
};
