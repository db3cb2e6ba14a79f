import { create, createFileRegistry, type DescMessage, type DescMethod } from '@bufbuild/protobuf';
import { protoCamelCase } from '@bufbuild/protobuf/reflect';
import {
  type FieldDescriptorProto,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
  FileDescriptorProtoSchema,
  file_google_protobuf_duration,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
} from '@bufbuild/protobuf/wkt';

const { DOUBLE, FLOAT, INT64, UINT64, INT32, FIXED64, FIXED32, BOOL, STRING, BYTES, UINT32 } =
  FieldDescriptorProto_Type;
const { SFIXED32, SFIXED64, SINT32, SINT64, MESSAGE, ENUM } = FieldDescriptorProto_Type;

/** Field of a message that only tests know. */
interface FieldSpec {
  readonly name: string;
  readonly type: FieldDescriptorProto_Type;
  readonly typeName?: string;
  readonly repeated?: boolean;
  readonly oneofIndex?: number;
  readonly optional?: boolean;
}

const WELL_KNOWN = {
  timestamp: 'Timestamp',
  duration: 'Duration',
  field_mask: 'FieldMask',
  struct: 'Struct',
  value: 'Value',
  list_value: 'ListValue',
  wrapped: 'Int64Value',
} as const;

const FIELDS: readonly FieldSpec[] = [
  { name: 'a_double', type: DOUBLE },
  { name: 'a_float', type: FLOAT },
  { name: 'an_int32', type: INT32 },
  { name: 'a_sint32', type: SINT32 },
  { name: 'a_sfixed32', type: SFIXED32 },
  { name: 'a_uint32', type: UINT32 },
  { name: 'a_fixed32', type: FIXED32 },
  { name: 'an_int64', type: INT64 },
  { name: 'a_sint64', type: SINT64 },
  { name: 'a_sfixed64', type: SFIXED64 },
  { name: 'a_uint64', type: UINT64 },
  { name: 'a_fixed64', type: FIXED64 },
  { name: 'a_bool', type: BOOL },
  { name: 'a_string', type: STRING },
  { name: 'a_bytes', type: BYTES },
  { name: 'an_enum', type: ENUM, typeName: '.test.Every.Colour' },
  { name: 'optional_int32', type: INT32, optional: true, oneofIndex: 1 },
  { name: 'child', type: MESSAGE, typeName: '.test.Every' },
  { name: 'strings', type: STRING, repeated: true },
  { name: 'floats', type: FLOAT, repeated: true },
  { name: 'int64s', type: INT64, repeated: true },
  { name: 'enums', type: ENUM, typeName: '.test.Every.Colour', repeated: true },
  { name: 'children', type: MESSAGE, typeName: '.test.Every', repeated: true },
  { name: 'wrappers', type: MESSAGE, typeName: '.google.protobuf.StringValue', repeated: true },
  { name: 'left', type: STRING, oneofIndex: 0 },
  { name: 'right', type: INT32, oneofIndex: 0 },
  { name: 'wrapped_member', type: MESSAGE, typeName: '.google.protobuf.BoolValue', oneofIndex: 0 },
  { name: 'by_name', type: MESSAGE, typeName: '.test.Every.ByNameEntry', repeated: true },
  { name: 'by_flag', type: MESSAGE, typeName: '.test.Every.ByFlagEntry', repeated: true },
  { name: 'by_number', type: MESSAGE, typeName: '.test.Every.ByNumberEntry', repeated: true },
  ...Object.entries(WELL_KNOWN).map(([name, type]) => ({ name, type: MESSAGE, typeName: `.google.protobuf.${type}` })),
];

function field(
  { name, type, typeName, repeated, oneofIndex, optional }: FieldSpec,
  index: number,
): FieldDescriptorProto {
  return create(FieldDescriptorProtoSchema, {
    name,
    jsonName: protoCamelCase(name),
    number: index + 1,
    type,
    label: repeated ? FieldDescriptorProto_Label.REPEATED : FieldDescriptorProto_Label.OPTIONAL,
    ...(typeName !== undefined && { typeName }),
    ...(oneofIndex !== undefined && { oneofIndex }),
    ...(optional && { proto3Optional: true }),
  });
}

function mapEntry(name: string, key: FieldDescriptorProto_Type, value: FieldSpec) {
  const fields = [field({ name: 'key', type: key }, 0), field({ ...value, name: 'value' }, 1)];
  return { name, field: fields, options: { mapEntry: true } };
}

const WELL_KNOWN_FILES = [
  file_google_protobuf_duration,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
];

const FILE = create(FileDescriptorProtoSchema, {
  name: 'test/every.proto',
  package: 'test',
  syntax: 'proto3',
  dependency: WELL_KNOWN_FILES.map(({ proto }) => proto.name),
  messageType: [
    {
      name: 'Every',
      field: FIELDS.map(field),
      oneofDecl: [{ name: 'side' }, { name: '_optional_int32' }],
      enumType: [
        { name: 'Colour', value: ['COLOUR_UNSPECIFIED', 'RED', 'GREEN'].map((name, number) => ({ name, number })) },
      ],
      nestedType: [
        mapEntry('ByNameEntry', STRING, { name: '', type: INT32 }),
        mapEntry('ByFlagEntry', BOOL, { name: '', type: ENUM, typeName: '.test.Every.Colour' }),
        mapEntry('ByNumberEntry', INT64, { name: '', type: MESSAGE, typeName: '.test.Every' }),
      ],
    },
  ],
  service: [{ name: 'EveryService', method: [{ name: 'Echo', inputType: '.test.Every', outputType: '.test.Every' }] }],
});

/** A message with a field of every kind, and a method that takes and answers it. */
export function everyType(): { readonly message: DescMessage; readonly method: DescMethod } {
  const files = createFileRegistry(FILE, (name) => WELL_KNOWN_FILES.find(({ proto }) => proto.name === name));
  const method = files.getService('test.EveryService')?.methods[0];
  if (method === undefined) throw new Error('the test contract has no method');
  return { message: method.input, method };
}
