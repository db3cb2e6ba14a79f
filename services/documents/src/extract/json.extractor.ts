import { DomainError } from '@morag/errors';
import { type Draft, type DraftBlock, visibleLength } from './draft.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** Nesting that is followed; what lies deeper is kept as JSON. Bounds the stack as well. */
const DEPTH_MAX = 32;

/**
 * Reads JSON or JSON Lines. An object's members that hold structure become sections, a list's items become blocks of
 * lines `path: value`.
 */
export function extractJson(text: string, name: string): Draft {
  const blocks: DraftBlock[] = [];
  describe(parse(text, name), 1, blocks);
  return { blocks, charactersFound: visibleLength(text) };
}

function parse(text: string, name: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    try {
      if (lines.length > 1) return lines.map((line) => JSON.parse(line) as Json);
    } catch {
      // Neither form; the first error says where.
    }
    throw new DomainError('UNREADABLE_FILE', `${name} is not valid JSON.`, { cause });
  }
}

function describe(value: Json, level: number, blocks: DraftBlock[]): void {
  if (Array.isArray(value)) {
    for (const item of value) blocks.push({ kind: 'list', text: leaves(item, '', level).join('\n') });
    return;
  }
  if (!isObject(value)) {
    blocks.push({ kind: 'paragraph', text: String(value) });
    return;
  }
  const members = Object.entries(value);
  const own = members
    .filter(([, member]) => !isStructure(member))
    .map(([name, member]) => `${name}: ${String(member)}`);
  blocks.push({ kind: 'list', text: own.join('\n') });
  for (const [name, member] of members) {
    if (!isStructure(member)) continue;
    blocks.push({ kind: 'heading', level: Math.min(level, 6), text: name });
    if (level < DEPTH_MAX) describe(member, level + 1, blocks);
    else blocks.push({ kind: 'code', text: JSON.stringify(member) });
  }
}

/** A record as lines: each value under the path that leads to it. */
function leaves(value: Json, path: string, depth: number): string[] {
  if (!isStructure(value)) return [path === '' ? String(value) : `${path}: ${String(value)}`];
  if (depth >= DEPTH_MAX) return [`${path}: ${JSON.stringify(value)}`];
  if (Array.isArray(value)) {
    const plain = value.filter((item) => !isStructure(item));
    const joined = plain.length > 0 ? leaves(plain.map(String).join(', '), path, depth) : [];
    return [...joined, ...value.filter(isStructure).flatMap((item) => leaves(item, path, depth + 1))];
  }
  return Object.entries(value as { readonly [name: string]: Json }).flatMap(([name, member]) =>
    leaves(member, path === '' ? name : `${path}.${name}`, depth + 1),
  );
}

function isStructure(value: Json): boolean {
  return typeof value === 'object' && value !== null;
}

function isObject(value: Json): value is { readonly [name: string]: Json } {
  return isStructure(value) && !Array.isArray(value);
}
