import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { parseJson } from '../json/parse-json.ts';
import { requireField } from '../routing/binding.ts';
import { parsePathTemplate } from '../routing/path-template.ts';
import { fieldReader } from './decode-message.ts';
import { type Decoding, report, requireValid } from './decoding.ts';
import { holdsText } from './field-path.ts';
import { createMessage, type OpenMessage, setField } from './message.ts';
import { INVALID } from './scalar.codec.ts';
import { readText } from './text-value.ts';

/** What an upload says about its file. */
export interface UploadParts {
  /** Values of the template's variables, in their order. */
  readonly path: readonly string[];
  readonly fields: ReadonlyMap<string, string>;
  readonly fileName: string;
  readonly mediaType: string;
}

/** Makes the messages of an upload. */
export interface UploadReader {
  /** The first message: all but the content. Throws INVALID_ARGUMENT or MALFORMED_BODY. */
  head(parts: UploadParts): OpenMessage;
  /** One that only carries a piece of the content. */
  piece(content: Uint8Array): OpenMessage;
}

/**
 * Compiles the reader of a method that takes a stream with a file in it. By convention its request has one field of type
 * `bytes`, the next piece of the content, and may have `name` and `media_type`, which follow from the file unless a form
 * field says otherwise. Form fields of message types are JSON.
 */
export function createUploadReader(desc: DescMessage, template: string): UploadReader {
  const content = contentField(desc);
  if (content === undefined) throw new Error(`${desc.typeName} has no field for the content of a file`);
  const variables = parsePathTemplate(template).variables.map(({ path }) => requireField(desc, path.join('.')));
  const closed = new Set([content, ...variables]);
  return {
    head({ path, fields, fileName, mediaType }) {
      const decoding: Decoding = { violations: [] };
      const message = createMessage(desc);
      for (const [index, field] of variables.entries()) setText(message, field, path[index] ?? '', decoding);
      for (const [name, value] of fields) {
        const field = desc.fields.find((each) => each.jsonName === name || each.name === name);
        if (field === undefined || closed.has(field)) report(decoding, name, 'is not a known field of this form');
        else setText(message, field, value, decoding);
      }
      setDefault(message, desc, 'name', fileName);
      setDefault(message, desc, 'media_type', mediaType);
      requireValid(decoding);
      return message;
    },
    piece(bytes) {
      const message = createMessage(desc);
      setField(message, content, bytes);
      return message;
    },
  };
}

/** Whether a stream of these messages carries a file, rather than messages that stand for themselves. */
export function takesFile(desc: DescMessage): boolean {
  return contentField(desc) !== undefined;
}

function contentField(desc: DescMessage): DescField | undefined {
  return desc.fields.find((field) => field.scalar === ScalarType.BYTES && field.fieldKind === 'scalar');
}

function setText(message: OpenMessage, field: DescField, text: string, decoding: Decoding): void {
  const value =
    holdsText(field) && field.fieldKind !== 'list'
      ? readText(field, text, field.jsonName, decoding)
      : fieldReader(field)(parseJson(Buffer.from(text)), field.jsonName, decoding);
  if (value !== INVALID) setField(message, field, value);
}

function setDefault(message: OpenMessage, desc: DescMessage, name: string, value: string): void {
  const field = desc.fields.find((each) => each.name === name && each.scalar === ScalarType.STRING);
  if (field !== undefined && message[field.localName] === '') setField(message, field, value);
}
