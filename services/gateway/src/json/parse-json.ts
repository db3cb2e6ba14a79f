import { isUtf8 } from 'node:buffer';
import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { DomainError, type Violation } from '@morag/errors';
import { type JsonFault, scanJson } from './scan-json.ts';

/**
 * Levels of nesting in a body. Each can become three nested messages (`Value`, `Struct`, map entry), and the services
 * read at most 100.
 */
const DEPTH_MAX = 32;

/**
 * Reads a body as I-JSON (RFC 7493), the JSON that has one meaning: UTF-8, no name twice in an object, no unpaired
 * surrogate, no number that overflows. Anything else is MALFORMED_BODY with its place. The native parser does the work;
 * what it lets through is found by counting names, and only a body at fault is scanned by hand.
 */
export function parseJson(bytes: Buffer): JsonValue {
  if (!isUtf8(bytes)) throw malformed({ position: undefined, problem: 'The body is not UTF-8.' });
  const text = bytes.toString('utf8');
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch {
    // Not the native message: it quotes the body, which may hold a password.
    throw malformed(faultOf(text), text);
  }
  const inspection: Inspection = { names: 0, violations: [] };
  inspect(value, '', 0, inspection);
  if (inspection.violations.length > 0) {
    const [first] = inspection.violations;
    throw new DomainError('MALFORMED_BODY', `${first?.field}: ${first?.description}`, inspection);
  }
  if (inspection.names !== countNames(text)) throw malformed(faultOf(text), text);
  return value;
}

interface Inspection {
  names: number;
  readonly violations: Violation[];
}

function inspect(value: JsonValue, at: string, depth: number, inspection: Inspection): void {
  switch (typeof value) {
    case 'string':
      if (!value.isWellFormed()) report(inspection, at, 'holds an unpaired surrogate');
      return;
    case 'number':
      if (!Number.isFinite(value)) report(inspection, at, 'is a number out of range');
      return;
    case 'object':
      if (value === null) return;
      if (depth === DEPTH_MAX) report(inspection, at, `is nested deeper than ${DEPTH_MAX} levels`);
      else if (Array.isArray(value)) inspectList(value, at, depth, inspection);
      else inspectObject(value, at, depth, inspection);
  }
}

function inspectList(list: readonly JsonValue[], at: string, depth: number, inspection: Inspection): void {
  for (let index = 0; index < list.length; index++) {
    const value = list[index];
    // Most lists are vectors: no path is built, and no call made, for a number that is in order.
    if (value === undefined || (typeof value === 'number' && value - value === 0)) continue;
    inspect(value, `${at}[${index}]`, depth + 1, inspection);
  }
}

function inspectObject(object: JsonObject, at: string, depth: number, inspection: Inspection): void {
  const names = Object.keys(object);
  inspection.names += names.length;
  for (const name of names) {
    const value = object[name];
    const place = at === '' ? name : `${at}.${name}`;
    if (!name.isWellFormed()) report(inspection, at, 'has a name with an unpaired surrogate');
    else if (name === '__proto__') report(inspection, place, 'is not a name that can be used');
    else if (value !== undefined) inspect(value, place, depth + 1, inspection);
  }
}

const VIOLATIONS_MAX = 20;

function report({ violations }: Inspection, field: string, description: string): void {
  if (violations.length < VIOLATIONS_MAX) violations.push({ field, description });
}

const BACKSLASH = 0x5c;
const COLON = 0x3a;

/** How many names the text of valid JSON holds: strings that a colon follows. Skips from quote to quote. */
function countNames(text: string): number {
  let names = 0;
  let open = text.indexOf('"');
  while (open >= 0) {
    let close = text.indexOf('"', open + 1);
    while (isEscaped(text, close)) close = text.indexOf('"', close + 1);
    let next = close + 1;
    while (text.charCodeAt(next) <= 0x20) next++;
    if (text.charCodeAt(next) === COLON) names++;
    open = text.indexOf('"', next);
  }
  return names;
}

function isEscaped(text: string, quote: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(quote - 1 - backslashes) === BACKSLASH) backslashes++;
  return backslashes % 2 === 1;
}

function faultOf(text: string): JsonFault {
  return scanJson(text) ?? { position: undefined, problem: 'The body is not valid JSON.' };
}

function malformed({ position, problem }: JsonFault, text = ''): DomainError {
  if (position === undefined) return new DomainError('MALFORMED_BODY', problem);
  const before = text.slice(0, position);
  const line = before.split('\n').length;
  const column = position - before.lastIndexOf('\n');
  return new DomainError('MALFORMED_BODY', `${problem} (line ${line}, column ${column})`, {
    metadata: { line: String(line), column: String(column) },
  });
}
