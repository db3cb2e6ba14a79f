import { type DescField, type DescMessage, type DescMethod, getOption } from '@bufbuild/protobuf';
import { http } from '@morag/gen/google/api/annotations_pb.ts';
import type { HttpRule } from '@morag/gen/google/api/http_pb.ts';
import type { Backend, PublishedMethod } from '../contracts/contracts.ts';

/** What of the request message the HTTP body is. */
export type BodyRule =
  | { readonly kind: 'none' }
  /** Every field that the path does not hold. */
  | { readonly kind: 'all' }
  | { readonly kind: 'field'; readonly field: DescField };

/** One way to call a method over HTTP: a rule of `google.api.http`, checked against the messages. */
export interface Binding {
  readonly method: DescMethod;
  readonly backend: Backend;
  /** Upper case. */
  readonly httpMethod: string;
  readonly template: string;
  readonly body: BodyRule;
  /** The field of the response that is the HTTP body; the whole response without it. */
  readonly responseField: DescField | undefined;
}

/** The bindings of a method, the first one being the one that documents it. Throws when a rule names no such field. */
export function bindingsOf({ method, backend }: PublishedMethod): Binding[] {
  const rule = getOption(method, http);
  return [rule, ...rule.additionalBindings].map((each) => bindingOf(method, backend, each));
}

function bindingOf(method: DescMethod, backend: Backend, rule: HttpRule): Binding {
  const { httpMethod, template } = patternOf(method, rule);
  const responseField = rule.responseBody === '' ? undefined : requireField(method.output, rule.responseBody);
  return { method, backend, httpMethod, template, body: bodyRuleOf(method, rule), responseField };
}

function patternOf(method: DescMethod, { pattern }: HttpRule): { httpMethod: string; template: string } {
  if (pattern.case === undefined) throw new Error(`${method.parent.typeName}.${method.name} has a rule without a path`);
  if (pattern.case === 'custom') return { httpMethod: pattern.value.kind.toUpperCase(), template: pattern.value.path };
  return { httpMethod: pattern.case.toUpperCase(), template: pattern.value };
}

function bodyRuleOf(method: DescMethod, { body }: HttpRule): BodyRule {
  if (body === '') return { kind: 'none' };
  return body === '*' ? { kind: 'all' } : { kind: 'field', field: requireField(method.input, body) };
}

/** The field of this proto name. */
export function requireField(desc: DescMessage, name: string): DescField {
  const field = desc.fields.find((candidate) => candidate.name === name);
  if (field === undefined) throw new Error(`${desc.typeName} has no field ${name}`);
  return field;
}
