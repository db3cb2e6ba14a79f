import type { ListSpec } from '@morag/orm';

/**
 * A list of rows whose ids are UUIDv7 and with that in the order of time, the newest first. `id` stands where other lists
 * need a second column to make the order total: any one will do, such as the owner that the rows are read of.
 */
export function newestFirst(from: string, { columns = '*', id = 'id' } = {}): ListSpec {
  return { from, columns, id, filter: {}, order: { id: { column: 'id', type: 'uuid' } }, defaultOrder: 'id desc' };
}
