/** The first thing that is wrong with a JSON text. */
export interface JsonFault {
  /** Index in the text; undefined when there is none. */
  readonly position: number | undefined;
  /** A sentence that quotes nothing of the text but names of members. */
  readonly problem: string;
}

interface Container {
  /** Names seen so far; undefined in a list. */
  readonly names: Set<string> | undefined;
  /** What may stand here. `first` is a value or name, or the end of an empty container. */
  expects: 'first' | 'item' | 'colon' | 'value' | 'end';
}

const TOKEN =
  /[{}[\]:,]|"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const BLANK = /[ \t\r\n]*/y;
const NAME_LENGTH_MAX = 64;

/**
 * Finds the first syntax error or repeated name of a JSON text; undefined when there is none. Slow and exact: for a text
 * that is known to be at fault.
 */
export function scanJson(text: string): JsonFault | undefined {
  const stack: Container[] = [{ names: undefined, expects: 'value' }];
  let position = skip(text, 0);
  while (position < text.length) {
    const top = stack.at(-1);
    TOKEN.lastIndex = position;
    const token = TOKEN.exec(text)?.[0];
    if (top === undefined || token === undefined) return { position, problem: 'The body is not valid JSON.' };
    const problem = stack.length === 1 && top.expects === 'end' ? UNEXPECTED : accept(stack, top, token);
    if (problem !== undefined) return { position, problem };
    position = skip(text, position + token.length);
  }
  const complete = stack.length === 1 && stack[0]?.expects === 'end';
  return complete ? undefined : { position: text.length, problem: 'The body ends in the middle of its JSON.' };
}

const UNEXPECTED = 'The body is not valid JSON.';

/** Takes one token; returns what is wrong with it. */
function accept(stack: Container[], top: Container, token: string): string | undefined {
  const inObject = top.names !== undefined;
  if (token === '}' || token === ']') {
    const closes = inObject === (token === '}') && (top.expects === 'first' || top.expects === 'end');
    if (!closes || stack.length === 1) return UNEXPECTED;
    stack.pop();
    return undefined;
  }
  if (token === ',' || token === ':') {
    if (top.expects !== (token === ',' ? 'end' : 'colon')) return UNEXPECTED;
    top.expects = token === ':' ? 'value' : 'item';
    return undefined;
  }
  if (inObject && (top.expects === 'first' || top.expects === 'item')) return acceptName(top, top.names, token);
  if (top.expects === 'end' || top.expects === 'colon') return UNEXPECTED;
  top.expects = 'end';
  if (token === '{') stack.push({ names: new Set(), expects: 'first' });
  if (token === '[') stack.push({ names: undefined, expects: 'first' });
  return undefined;
}

function acceptName(top: Container, names: Set<string> | undefined, token: string): string | undefined {
  if (!token.startsWith('"')) return UNEXPECTED;
  const name = JSON.parse(token) as string;
  if (names?.has(name)) return `The name ${JSON.stringify(name.slice(0, NAME_LENGTH_MAX))} stands twice in one object.`;
  names?.add(name);
  top.expects = 'colon';
  return undefined;
}

function skip(text: string, from: number): number {
  BLANK.lastIndex = from;
  return from + (BLANK.exec(text)?.[0].length ?? 0);
}
