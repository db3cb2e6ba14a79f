import type { DescEnum, EnumShape } from '@bufbuild/protobuf';

/** Between an enum of the contract and the names that the domain uses for its values. */
export interface EnumNames<Name extends string, Value extends number> {
  /** Undefined for the zero value and for numbers that this version does not know. */
  nameOf(value: number): Name | undefined;
  valueOf(name: Name): Value;
}

/** The names of an enum's values, as the proto writes them but in the domain's case. */
export function enumNames<Desc extends DescEnum, const Name extends string>(
  schema: Desc,
  names: readonly Name[],
): EnumNames<Name, EnumShape<Desc>> {
  const numbers = new Map(schema.values.map(({ name, number }) => [name, number as EnumShape<Desc>]));
  const byName = new Map(names.map((name) => [name, numbers.get(name.toUpperCase()) ?? missing(schema, name)]));
  const byValue = new Map([...byName].map(([name, value]) => [value as number, name]));
  return {
    nameOf: (value) => byValue.get(value),
    valueOf: (name) => byName.get(name) ?? missing(schema, name),
  };
}

function missing(schema: DescEnum, name: string): never {
  throw new Error(`${schema.typeName} has no value ${name}`);
}
