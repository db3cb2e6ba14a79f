/** A variable of a path template: `{database_id}`, `{name=operations/*}`. */
export interface TemplateVariable {
  /** Proto field names from the request message down: `['parent', 'id']` for `{parent.id}`. */
  readonly path: readonly string[];
  /** Index of its first segment. */
  readonly start: number;
  /** Index behind its last segment; `-1` when it takes all that are left. */
  readonly end: number;
  /** Whether it can hold a slash: then an encoded slash stays encoded, so that the two differ. */
  readonly multiple: boolean;
}

/** A parsed template of `google.api.http`. Segments are literals, `*` (one segment) or `**` (all that are left). */
export interface PathTemplate {
  readonly text: string;
  readonly segments: readonly string[];
  readonly variables: readonly TemplateVariable[];
  /** `testConnection` of `/v1/servers:testConnection`; empty for none. */
  readonly verb: string;
}

const LITERAL = /^[A-Za-z0-9._~-]+$/;
const FIELD_PATH = /^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)*$/;

/**
 * Parses a template: `"/" Segments [ ":" Verb ]`, as `google/api/http.proto` defines it. Throws on anything else: a
 * template is part of a contract, so a mistake must stop the start.
 */
export function parsePathTemplate(text: string): PathTemplate {
  const fail: Fail = (why) => {
    throw new Error(`path template ${JSON.stringify(text)}: ${why}`);
  };
  if (!text.startsWith('/')) fail('must start with "/"');
  if (text === '/') return { text, segments: [''], variables: [], verb: '' };
  const { body, verb } = splitVerb(text.slice(1));
  if (verb !== undefined && !LITERAL.test(verb)) fail(`verb ${JSON.stringify(verb)} is not a literal`);
  const { segments, variables } = parseSegments(body, fail);
  requireSegments(segments, fail);
  const names = variables.map(({ path }) => path.join('.'));
  if (new Set(names).size !== names.length) fail('a variable stands twice');
  return { text, segments, variables, verb: verb ?? '' };
}

type Fail = (why: string) => never;

function parseSegments(body: string, fail: Fail): Pick<PathTemplate, 'segments' | 'variables'> {
  const segments: string[] = [];
  const variables: TemplateVariable[] = [];
  for (const part of splitTopLevel(body)) {
    const isVariable = part.startsWith('{') && part.endsWith('}');
    const [fields = '', inner = '*'] = isVariable ? splitOnce(part.slice(1, -1), '=') : ['', part];
    const start = segments.length;
    segments.push(...inner.split('/'));
    if (!isVariable) continue;
    if (!FIELD_PATH.test(fields)) fail(`${JSON.stringify(fields)} is not a field path`);
    const open = segments.at(-1) === '**';
    const multiple = open || segments.length - start > 1;
    variables.push({ path: fields.split('.'), start, end: open ? -1 : segments.length, multiple });
  }
  return { segments, variables };
}

function requireSegments(segments: readonly string[], fail: Fail): void {
  for (const [index, segment] of segments.entries()) {
    if (segment === '**' && index !== segments.length - 1) fail('"**" must be the last segment');
    if (segment === '*' || segment === '**' || LITERAL.test(segment)) continue;
    fail(`segment ${JSON.stringify(segment)} is not a literal`);
  }
}

/** The verb follows the last colon outside of braces. */
function splitVerb(text: string): { body: string; verb: string | undefined } {
  const colon = text.lastIndexOf(':');
  if (colon < 0 || text.indexOf('}', colon) >= 0) return { body: text, verb: undefined };
  return { body: text.slice(0, colon), verb: text.slice(colon + 1) };
}

/** Splits at slashes outside of braces. */
function splitTopLevel(text: string): string[] {
  const parts = [''];
  let inBraces = false;
  for (const character of text) {
    if (character === '{' || character === '}') inBraces = character === '{';
    if (character === '/' && !inBraces) parts.push('');
    else parts.push((parts.pop() ?? '') + character);
  }
  return parts;
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
