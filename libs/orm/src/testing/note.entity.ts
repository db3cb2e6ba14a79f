import { defineEntity, p } from '@mikro-orm/postgresql';
import { baseColumns } from '../columns.ts';

const NoteSchema = defineEntity({
  name: 'Note',
  tableName: 'notes',
  properties: {
    ...baseColumns,
    ownerId: p.uuid(),
    title: p.string().length(100),
    size: p.bigint().default(0),
    labels: p.json<Record<string, string>>().defaultRaw("'{}'"),
  },
  uniques: [{ properties: ['ownerId', 'title'] }],
});

/** An entity for the tests of this library. */
export class Note extends NoteSchema.class {}
NoteSchema.setClass(Note);
