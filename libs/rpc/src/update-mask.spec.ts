import { create } from '@bufbuild/protobuf';
import { FieldMaskSchema } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from '@jest/globals';
import { ServerSchema } from '@morag/gen/morag/servers/v1/server_pb.ts';
import { GetServerRequestSchema, UpdateServerRequestSchema } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { updatedFields, updateShapeOf } from './update-mask.ts';

const server = create(ServerSchema, { id: 'x', name: 'new', labels: { a: 'b' }, etag: '"1"' });
const fields = (paths: string[]): string[] => [
  ...updatedFields(ServerSchema, server, create(FieldMaskSchema, { paths })),
];

describe('updated fields', () => {
  it('are those of the mask', () => {
    expect(fields(['host', 'labels.a'])).toEqual(['host', 'labels']);
  });

  it('are those that are set when there is no mask, never the output-only ones', () => {
    expect([...updatedFields(ServerSchema, server, undefined)]).toEqual(['name', 'labels']);
    expect(fields(['id', 'name', 'create_time'])).toEqual(['name']);
  });

  it('are all that can change for a star', () => {
    expect(fields(['*'])).toContain('api_key');
    expect(fields(['*'])).not.toContain('is_active');
  });

  it('are refused when one does not exist', () => {
    expect(() => fields(['nam'])).toThrow('The update mask names an unknown field.');
  });
});

it('recognises an update by its mask', () => {
  expect(updateShapeOf(UpdateServerRequestSchema)?.resource.name).toBe('server');
  expect(updateShapeOf(GetServerRequestSchema)).toBeUndefined();
});
