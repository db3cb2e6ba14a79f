import { create, type DescField, type DescMessage, type Message } from '@bufbuild/protobuf';

/** A message whose fields are set by their descriptors. */
export type OpenMessage = Message & Record<string, unknown>;

/** A message of a type that is only known at run time. */
export function createMessage(desc: DescMessage): OpenMessage {
  return create(desc) as OpenMessage;
}

/** The field's value as protobuf-es keeps it; undefined when it is not the member of its oneof that is set. */
export function getField(message: OpenMessage, field: DescField): unknown {
  if (field.oneof === undefined) return message[field.localName];
  const oneof = message[field.oneof.localName] as { case?: string; value?: unknown };
  return oneof.case === field.localName ? oneof.value : undefined;
}

/** Name of the member of the field's oneof that is set, if it is another than the field. */
export function rivalOf(message: OpenMessage, field: DescField): string | undefined {
  if (field.oneof === undefined) return undefined;
  const { case: member } = message[field.oneof.localName] as { case?: string };
  return member === field.localName ? undefined : member;
}

/** Sets a field to a value of the form that protobuf-es keeps. */
export function setField(message: OpenMessage, field: DescField, value: unknown): void {
  if (field.oneof === undefined) message[field.localName] = value;
  else message[field.oneof.localName] = { case: field.localName, value };
}
