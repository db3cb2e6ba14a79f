import type { DefaultTreeAdapterTypes } from 'parse5';

export type Node = DefaultTreeAdapterTypes.Node;
type Element = DefaultTreeAdapterTypes.Element;

/** Elements that hold no text of the document. */
const NEVER_TEXT = new Set(
  'script style noscript template nav aside svg canvas iframe object embed audio video map button select input textarea datalist head'.split(
    ' ',
  ),
);
const BOILERPLATE_ROLES = new Set([
  'navigation',
  'banner',
  'contentinfo',
  'search',
  'complementary',
  'menu',
  'menubar',
]);
/** How generators name page furniture, as a whole class name or id. */
const BOILERPLATE_NAME =
  /^(?:(?:site|page|global|main|top|left|right|side|local|doc)[-_]?)?(?:nav|navbar|navigation|navheader|navfooter|sidebar|sphinxsidebar|breadcrumbs?|toc|tableofcontents|table-of-contents|menu|footer|masthead|cookies?|pagination|pager|headerlink|skip-?link|editsection|edit-section|adverts?|share-?links)(?:[-_]?(?:bar|list|wrapper|container|box|menu|links?|tree|banner))?$/i;
/** The part of the page marked as main must hold this share of its text to be trusted with all of it. */
const MAIN_SHARE_MIN = 0.4;
const DEPTH_MAX = 400;

export function isElement(node: Node): node is Element {
  return 'tagName' in node;
}

export function isText(node: Node): node is DefaultTreeAdapterTypes.TextNode {
  return node.nodeName === '#text';
}

export function attributeOf(element: Element, name: string): string | undefined {
  return element.attrs.find((attribute) => attribute.name === name)?.value;
}

/** Whether an element is page furniture rather than the document. */
export function isBoilerplate(element: Element): boolean {
  if (NEVER_TEXT.has(element.tagName)) return true;
  if (attributeOf(element, 'hidden') !== undefined || attributeOf(element, 'aria-hidden') === 'true') return true;
  if (BOILERPLATE_ROLES.has(attributeOf(element, 'role') ?? '')) return true;
  if ((element.tagName === 'header' || element.tagName === 'footer') && isOfPage(element)) return true;
  // The names alone are no proof on what surely is the document: <body class="sidebar">, <h2 id="menu">.
  if (!['div', 'ul', 'ol', 'table', 'section', 'p', 'a', 'span'].includes(element.tagName)) return false;
  const names = `${attributeOf(element, 'class') ?? ''} ${attributeOf(element, 'id') ?? ''}`;
  return names.split(/\s+/).some((name) => BOILERPLATE_NAME.test(name));
}

/** A header within an article introduces it; one of the page is the site's. */
function isOfPage(element: Element): boolean {
  for (let node = element.parentNode; node && isElement(node); node = node.parentNode) {
    if (node.tagName === 'article' || node.tagName === 'section' || node.tagName === 'main') return false;
  }
  return true;
}

/** The element that holds the document proper, where the page marks one; otherwise all of it. */
export function mainContent(document: Node): Node {
  const all = textOf(document).length;
  const candidates: Element[] = [];
  collect(document, candidates, 0);
  const [largest] = candidates.map((node) => ({ node, size: textOf(node).length })).sort((a, b) => b.size - a.size);
  return largest && largest.size >= all * MAIN_SHARE_MIN ? largest.node : document;
}

function collect(node: Node, found: Element[], depth: number): void {
  if (depth > DEPTH_MAX || !('childNodes' in node)) return;
  for (const child of node.childNodes) {
    if (isElement(child) && (child.tagName === 'main' || attributeOf(child, 'role') === 'main')) found.push(child);
    collect(child, found, depth + 1);
  }
}

/** The text under a node, page furniture left out; a space stands where an element other than inline ones begins. */
export function textOf(node: Node, depth = 0): string {
  if (isText(node)) return node.value;
  if (!('childNodes' in node)) return '';
  if (depth > DEPTH_MAX) return flatText(node);
  if (isElement(node) && node.tagName === 'br') return '\n';
  return node.childNodes
    .map((child) => {
      if (!isElement(child)) return textOf(child, depth + 1);
      if (isBoilerplate(child)) return '';
      const text = textOf(child, depth + 1);
      return INLINE.has(child.tagName) ? text : ` ${text} `;
    })
    .join('');
}

const INLINE = new Set(
  'a abbr b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr q s samp small span strike strong sub sup time tt u var wbr br'.split(
    ' ',
  ),
);

/** The text under a node that is nested too deep for recursion. */
export function flatText(root: Node): string {
  const parts: string[] = [];
  const pending: Node[] = [root];
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (isText(node)) parts.push(node.value);
    else if ('childNodes' in node && !(isElement(node) && isBoilerplate(node))) {
      for (const child of node.childNodes.toReversed()) pending.push(child);
    }
  }
  return parts.join(' ');
}

/** Whether an element of that name stands anywhere under a node. */
export function hasDescendant(root: Node, tag: string, depth = 0): boolean {
  if (!('childNodes' in root) || depth > DEPTH_MAX) return false;
  return root.childNodes.some(
    (child) => (isElement(child) && child.tagName === tag) || hasDescendant(child, tag, depth + 1),
  );
}

/** The share of a node's text that is links, 0–1. */
export function linkShare(node: Node): number {
  const size = textOf(node).replaceAll(/\s+/g, '').length;
  return size === 0 ? 0 : linkedLength(node, 0) / size;
}

function linkedLength(node: Node, depth: number): number {
  if (!('childNodes' in node) || depth > DEPTH_MAX) return 0;
  if (isElement(node) && node.tagName === 'a' && attributeOf(node, 'href') !== undefined) {
    return textOf(node).replaceAll(/\s+/g, '').length;
  }
  return node.childNodes.reduce((sum, child) => sum + linkedLength(child, depth + 1), 0);
}
