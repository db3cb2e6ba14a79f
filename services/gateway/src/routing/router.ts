import { DomainError } from '@morag/errors';
import { type PathTemplate, parsePathTemplate } from './path-template.ts';
import { decodeSegment, decodeSegments } from './percent-decoding.ts';

/** One entry of a routing table: an HTTP method and a path template lead to `target`. */
export interface RouteEntry<Target> {
  /** Upper case. */
  readonly httpMethod: string;
  readonly template: string;
  readonly target: Target;
}

/** See createRouter. */
export interface RouteMatch<Target> {
  readonly target: Target;
  /** What the path holds for the template's variables, in their order. */
  readonly values: readonly string[];
}

/** Finds the target of a request. */
export interface Router<Target> {
  /**
   * Takes a path as it came, still percent-encoded and without its query. Throws ROUTE_NOT_FOUND, METHOD_NOT_ALLOWED (with
   * `metadata.allow`), or INVALID_ARGUMENT for an encoding that is not UTF-8.
   */
  match(httpMethod: string, path: string): RouteMatch<Target>;
}

interface Leaf<Target> {
  readonly template: PathTemplate;
  readonly target: Target;
}

/** Where a template may go on or end; one node for all templates that look alike so far. */
interface Node<Target> {
  readonly literals: Map<string, Node<Target>>;
  one: Node<Target> | undefined;
  rest: Node<Target> | undefined;
  /** By verb, then by HTTP method. */
  readonly leaves: Map<string, Map<string, Leaf<Target>>>;
}

/**
 * Compiles a routing table; two entries that match the very same requests are refused. At each segment a literal goes
 * before `*`, and `*` before `**`; a verb goes before a segment that happens to hold a colon. The work for a path is bounded
 * by the number of nodes of the table, and by the path's length.
 */
export function createRouter<Target>(entries: readonly RouteEntry<Target>[]): Router<Target> {
  const root = createNode<Target>();
  for (const entry of entries) insert(root, entry);
  return {
    match(httpMethod, path) {
      const raw = path.split('/').slice(1);
      const allowed = new Set<string>();
      const search = (verb: string, segments: readonly string[]): Leaf<Target> | undefined => {
        const decoded = segments.map(decodeSegment);
        return find(root, decoded, 0, { verb, httpMethod, allowed });
      };
      const last = raw.at(-1) ?? '';
      const colon = path.startsWith('/') ? last.lastIndexOf(':') : -1;
      if (colon > 0) {
        const bare = [...raw.slice(0, -1), last.slice(0, colon)];
        const leaf = search(decodeSegment(last.slice(colon + 1)), bare);
        if (leaf !== undefined) return { target: leaf.target, values: valuesOf(leaf.template, bare) };
      }
      const leaf = path.startsWith('/') ? search('', raw) : undefined;
      if (leaf !== undefined) return { target: leaf.target, values: valuesOf(leaf.template, raw) };
      throw noRoute(httpMethod, allowed);
    },
  };
}

function createNode<Target>(): Node<Target> {
  return { literals: new Map(), one: undefined, rest: undefined, leaves: new Map() };
}

function insert<Target>(root: Node<Target>, { httpMethod, template: text, target }: RouteEntry<Target>): void {
  const template = parsePathTemplate(text);
  let node = root;
  for (const segment of template.segments) node = childOf(node, segment);
  const byMethod = node.leaves.get(template.verb) ?? new Map<string, Leaf<Target>>();
  node.leaves.set(template.verb, byMethod);
  const other = byMethod.get(httpMethod);
  if (other !== undefined) throw new Error(`${httpMethod} ${text} and ${other.template.text} match the same paths`);
  byMethod.set(httpMethod, { template, target });
}

function childOf<Target>(node: Node<Target>, segment: string): Node<Target> {
  if (segment === '*') return (node.one ??= createNode());
  if (segment === '**') return (node.rest ??= createNode());
  let child = node.literals.get(segment);
  if (child === undefined) {
    child = createNode();
    node.literals.set(segment, child);
  }
  return child;
}

interface Search {
  readonly verb: string;
  readonly httpMethod: string;
  /** Filled with the methods of the templates that match the path otherwise. */
  readonly allowed: Set<string>;
}

function find<Target>(
  node: Node<Target>,
  segments: readonly string[],
  depth: number,
  search: Search,
): Leaf<Target> | undefined {
  const segment = segments[depth];
  if (segment === undefined) return leafOf(node, search);
  const literal = node.literals.get(segment);
  const found = literal && find(literal, segments, depth + 1, search);
  if (found !== undefined) return found;
  // A variable never takes an empty segment: `/v1/servers/` names no server.
  if (segment !== '' && node.one !== undefined) {
    const one = find(node.one, segments, depth + 1, search);
    if (one !== undefined) return one;
  }
  return node.rest && leafOf(node.rest, search);
}

function leafOf<Target>(node: Node<Target>, { verb, httpMethod, allowed }: Search): Leaf<Target> | undefined {
  const byMethod = node.leaves.get(verb);
  if (byMethod === undefined) return undefined;
  // RFC 9110: HEAD is answered wherever GET is.
  const leaf = byMethod.get(httpMethod) ?? (httpMethod === 'HEAD' ? byMethod.get('GET') : undefined);
  if (leaf === undefined) for (const method of byMethod.keys()) allowed.add(method);
  return leaf;
}

function valuesOf({ variables }: PathTemplate, raw: readonly string[]): string[] {
  return variables.map(({ start, end, multiple }) =>
    multiple ? decodeSegments(raw.slice(start, end < 0 ? undefined : end)) : decodeSegment(raw[start] ?? ''),
  );
}

function noRoute(httpMethod: string, allowed: Set<string>): DomainError {
  if (allowed.size === 0) return new DomainError('ROUTE_NOT_FOUND', 'There is nothing at this path.');
  if (allowed.has('GET')) allowed.add('HEAD');
  const allow = [...allowed].sort().join(', ');
  return new DomainError('METHOD_NOT_ALLOWED', `This path takes ${allow}, not ${httpMethod}.`, { metadata: { allow } });
}
