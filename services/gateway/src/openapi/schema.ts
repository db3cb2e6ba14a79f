import { type DescEnum, type DescField, type DescMessage, getOption, ScalarType } from '@bufbuild/protobuf';
import { FieldBehavior, field_behavior } from '@morag/gen/google/api/field_behavior_pb.ts';
import type { Comments } from './comments.ts';
import { ruleKeywords } from './rules.ts';

/** A JSON Schema, or another object of an OpenAPI document. */
export type Schema = Readonly<Record<string, unknown>>;

/** Makes schemas and collects those that have a name. */
export interface Schemas {
  /** Schema of a message: of its own form for well-known types, else a reference to a component. */
  message(desc: DescMessage): Schema;
  /** The same with nothing required: the body of an update. */
  update(desc: DescMessage): Schema;
  /** Schema of one field, with its description and rules. */
  field(field: DescField): Schema;
  /** An object of these fields, without a name. */
  object(fields: readonly DescField[]): Schema;
  /** All components that have been referred to so far, by name. */
  components(): Record<string, Schema>;
}

/** See Schemas. */
export function createSchemas(comments: Comments): Schemas {
  const named = new Map<string, Schema>();
  const reference = (name: string, make: () => Schema): Schema => {
    if (!named.has(name)) {
      // Taken before it is made, so that a type may contain itself.
      named.set(name, {});
      named.set(name, make());
    }
    return { $ref: `#/components/schemas/${name}` };
  };
  const described = (desc: Parameters<Comments>[0]): Schema => {
    const description = comments(desc);
    return description === '' ? {} : { description };
  };

  const schemas: Schemas = {
    message(desc) {
      const wellKnown = WELL_KNOWN[desc.typeName];
      if (wellKnown !== undefined) return wellKnown;
      return reference(nameOf(desc), () => ({ ...described(desc), ...schemas.object(desc.fields) }));
    },
    update(desc) {
      return reference(`${nameOf(desc)}.Update`, () => {
        const { required: _, ...rest } = schemas.object(desc.fields);
        return { ...described(desc), ...rest };
      });
    },
    field(field) {
      const { items, ...rules } = ruleKeywords(field);
      const base = valueSchema(field, schemas, (desc) => reference(nameOf(desc), () => enumSchema(desc, comments)));
      const merged =
        items === undefined ? base : { ...base, items: { ...(base.items as Schema), ...(items as Schema) } };
      const behaviors = getOption(field, field_behavior);
      return {
        ...merged,
        ...rules,
        ...described(field),
        ...(behaviors.includes(FieldBehavior.OUTPUT_ONLY) && { readOnly: true }),
        ...(behaviors.includes(FieldBehavior.INPUT_ONLY) && { writeOnly: true }),
      };
    },
    object(fields) {
      const required = fields.filter(isRequired).map(({ jsonName }) => jsonName);
      return {
        type: 'object',
        properties: Object.fromEntries(fields.map((field) => [field.jsonName, schemas.field(field)])),
        ...(required.length > 0 && { required }),
      };
    },
    components: () => Object.fromEntries([...named].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
  return schemas;
}

/** Whether a request without the field is refused. */
export function isRequired(field: DescField): boolean {
  return getOption(field, field_behavior).includes(FieldBehavior.REQUIRED);
}

/** `morag.servers.v1.Server.TlsMode` is `servers.Server.TlsMode`. */
function nameOf({ typeName }: DescMessage | DescEnum): string {
  return typeName.replace(/^(morag|google)\./, '').replace(/\.v\d+\./, '.');
}

function valueSchema(field: DescField, schemas: Schemas, enumOf: (desc: DescEnum) => Schema): Schema {
  const single = (): Schema => {
    if (field.message !== undefined) return schemas.message(field.message);
    return field.enum === undefined ? SCALARS[field.scalar ?? ScalarType.STRING] : enumOf(field.enum);
  };
  if (field.fieldKind === 'list') return { type: 'array', items: single() };
  return field.fieldKind === 'map' ? { type: 'object', additionalProperties: single() } : single();
}

function enumSchema(desc: DescEnum, comments: Comments): Schema {
  const lines = desc.values.map((value) => `- \`${value.name}\`: ${comments(value)}`);
  return {
    type: 'string',
    enum: desc.values.map(({ name }) => name),
    description: `${comments(desc)}\n\n${lines.join('\n')}`,
  };
}

const INT64: Schema = { type: 'string', format: 'int64' };
const INT32: Schema = { type: 'integer', format: 'int32' };
const UINT32: Schema = { type: 'integer', minimum: 0, maximum: 2 ** 32 - 1 };

const SCALARS: Readonly<Record<ScalarType, Schema>> = {
  [ScalarType.STRING]: { type: 'string' },
  [ScalarType.BOOL]: { type: 'boolean' },
  [ScalarType.BYTES]: { type: 'string', contentEncoding: 'base64' },
  [ScalarType.FLOAT]: { type: 'number', format: 'float' },
  [ScalarType.DOUBLE]: { type: 'number', format: 'double' },
  [ScalarType.INT32]: INT32,
  [ScalarType.SINT32]: INT32,
  [ScalarType.SFIXED32]: INT32,
  [ScalarType.UINT32]: UINT32,
  [ScalarType.FIXED32]: UINT32,
  [ScalarType.INT64]: INT64,
  [ScalarType.SINT64]: INT64,
  [ScalarType.SFIXED64]: INT64,
  [ScalarType.UINT64]: INT64,
  [ScalarType.FIXED64]: INT64,
};

const WELL_KNOWN: Readonly<Record<string, Schema>> = {
  'google.protobuf.Timestamp': { type: 'string', format: 'date-time' },
  'google.protobuf.Duration': { type: 'string', pattern: String.raw`^-?[0-9]+(\.[0-9]{1,9})?s$` },
  'google.protobuf.FieldMask': { type: 'string' },
  'google.protobuf.Struct': { type: 'object' },
  'google.protobuf.Value': {},
  'google.protobuf.ListValue': { type: 'array' },
  'google.protobuf.Empty': { type: 'object' },
  'google.protobuf.Any': { type: 'object', properties: { '@type': { type: 'string' } }, required: ['@type'] },
};
