import { type DefaultTreeAdapterTypes, parse, parseFragment } from 'parse5';
import { type Draft, type DraftBlock, unwrap, visibleLength } from './draft.ts';
import {
  attributeOf,
  flatText,
  hasDescendant,
  isBoilerplate,
  isElement,
  isText,
  linkShare,
  mainContent,
  type Node,
  textOf,
} from './html.tree.ts';
import { tableLines } from './table.ts';

type Element = DefaultTreeAdapterTypes.Element;

const HEADINGS: Readonly<Record<string, number>> = { h1: 1, h2: 2, h3: 3, h4: 4, h5: 5, h6: 6 };
/** Elements that end the paragraph before them and stand for no more than their children. */
const CONTAINERS = new Set(
  'address article aside blockquote body center dd details dialog div dl dt fieldset figcaption figure footer form header hgroup hr html li main ol p section summary ul'.split(
    ' ',
  ),
);
/** A list whose text is links to this share is a table of contents or a menu, which would attract every question. */
const LINK_SHARE_OF_MENU = 0.75;
const MENU_ITEMS_MIN = 4;
/** Deeper trees lose their structure: pages that people write end long before. */
const DEPTH_MAX = 200;

/** Reads the main content of a web page: without navigation, scripts and repeated page furniture. */
export function extractHtml(source: string): Draft {
  const document = parse(source);
  const found = textOf(document);
  const blocks = new HtmlWalker().walk(mainContent(document));
  const title = documentTitle(document);
  const language = documentLanguage(document);
  return {
    blocks,
    charactersFound: visibleLength(found),
    ...(title && { title }),
    ...(language && { language }),
  };
}

/** Reads a piece of HTML inside another format. */
export function extractHtmlFragment(source: string): DraftBlock[] {
  return new HtmlWalker().walk(parseFragment(source));
}

/** Collects inline text until a block ends it. */
class HtmlWalker {
  readonly #blocks: DraftBlock[] = [];
  #inline = '';
  /** How much of it is links, and how many. */
  #linked = 0;
  #links = 0;
  /** Links that the walk is within. */
  #openLinks = 0;
  /** A term that is waiting for its definition, so that the two stay together. */
  #term = '';

  walk(root: Node): DraftBlock[] {
    this.#visit(root, 0);
    this.#flush();
    this.#flushTerm();
    return this.#blocks;
  }

  #visit(node: Node, depth: number): void {
    if (depth > DEPTH_MAX) this.#inline += ` ${flatText(node)} `;
    else if (isText(node)) this.#text(node.value);
    else if (isElement(node)) this.#element(node, depth);
    else this.#children(node, depth);
  }

  #children(node: Node, depth: number): void {
    if ('childNodes' in node) for (const child of node.childNodes) this.#visit(child, depth + 1);
  }

  #element(element: Element, depth: number): void {
    if (isBoilerplate(element)) return;
    const level = HEADINGS[element.tagName];
    if (level !== undefined) return this.#block({ kind: 'heading', level, text: unwrap(textOf(element)) });
    switch (element.tagName) {
      case 'br':
        this.#inline += '\n';
        return;
      case 'pre':
        return this.#block({ kind: 'code', text: this.#withTerm(textOf(element), '\n') });
      case 'table':
        return this.#table(element, depth);
      case 'ul':
      case 'ol':
        return this.#list(element, depth);
      case 'dt':
        this.#flush();
        this.#term = this.#withTerm(unwrap(textOf(element)), ', ');
        return;
      case 'a':
        return this.#link(element, depth);
      case 'img':
        this.#inline += ` ${attributeOf(element, 'alt') ?? ''} `;
        return;
      default:
        return this.#container(element, depth);
    }
  }

  #link(element: Element, depth: number): void {
    const isLink = attributeOf(element, 'href') !== undefined;
    if (!isLink) return this.#children(element, depth);
    this.#links++;
    this.#openLinks++;
    this.#children(element, depth);
    this.#openLinks--;
  }

  #text(text: string): void {
    this.#inline += text;
    if (this.#openLinks > 0) this.#linked += visibleLength(text);
  }

  #container(element: Element, depth: number): void {
    const ends = CONTAINERS.has(element.tagName);
    if (ends) this.#flush();
    this.#children(element, depth);
    if (ends) this.#flush();
  }

  /** A list of short items is one block; one whose items hold blocks of their own is walked into. */
  #list(list: Element, depth: number): void {
    this.#flush();
    const items = list.childNodes.filter(isElement).filter((item) => !isBoilerplate(item));
    if (items.length >= MENU_ITEMS_MIN && linkShare(list) > LINK_SHARE_OF_MENU) return;
    if (items.some(holdsBlocks)) return this.#container(list, depth);
    const lines = items.map((item) => unwrap(textOf(item))).filter((line) => line !== '');
    this.#block({ kind: 'list', text: this.#withTerm(lines.map((line) => `- ${line}`).join('\n'), '\n') });
  }

  /** A table that lays out a page, or holds blocks in its cells, is not one of data. */
  #table(table: Element, depth: number): void {
    const rows = tableRows(table);
    const isLayout = rows.every((row) => row.length < 2) || attributeOf(table, 'role') === 'presentation';
    if (isLayout || table.childNodes.some((child) => hasDescendant(child, 'table')))
      return this.#container(table, depth);
    if (linkShare(table) > LINK_SHARE_OF_MENU && rows.length >= MENU_ITEMS_MIN * 2) return;
    this.#block({ kind: 'table', text: tableLines(rows) });
  }

  #block(block: DraftBlock): void {
    this.#flush();
    if (block.text.trim() === '') return;
    if (block.kind === 'heading') this.#flushTerm();
    this.#blocks.push(block);
  }

  #flush(): void {
    const text = this.#inline
      .split('\n\n')
      .map(unwrap)
      .filter((part) => part !== '')
      .join('\n');
    const isMenu = this.#links >= MENU_ITEMS_MIN && this.#linked > visibleLength(text) * LINK_SHARE_OF_MENU;
    this.#inline = '';
    this.#linked = 0;
    this.#links = 0;
    if (text !== '' && !isMenu) this.#blocks.push({ kind: 'paragraph', text: this.#withTerm(text, ': ') });
  }

  #withTerm(text: string, separator: string): string {
    const term = this.#term;
    this.#term = '';
    return term === '' ? text : `${term}${separator}${text}`;
  }

  #flushTerm(): void {
    const text = this.#withTerm('', '');
    if (text !== '') this.#blocks.push({ kind: 'paragraph', text });
  }
}

function holdsBlocks(item: Element): boolean {
  const paragraphs = item.childNodes.filter((child) => isElement(child) && child.tagName === 'p').length;
  return paragraphs > 1 || ['pre', 'table', 'ul', 'ol', 'dl', 'h2', 'h3', 'h4'].some((tag) => hasDescendant(item, tag));
}

function tableRows(node: Node): string[][] {
  if (!('childNodes' in node)) return [];
  return node.childNodes.flatMap((child) => {
    if (!isElement(child)) return [];
    if (child.tagName === 'tr') return [child.childNodes.filter(isElement).map((cell) => unwrap(textOf(cell)))];
    return child.tagName === 'table' ? [] : tableRows(child);
  });
}

function documentTitle(document: Node): string | undefined {
  const title = find(document, 'title');
  return title && (unwrap(textOf(title)) || undefined);
}

/** The primary subtag of what the page declares. */
function documentLanguage(document: Node): string | undefined {
  const html = find(document, 'html');
  const declared = html && (attributeOf(html, 'lang') ?? attributeOf(html, 'xml:lang'));
  return /^[a-z]{2,3}(?=$|[-_])/i.exec(declared ?? '')?.[0]?.toLowerCase();
}

function find(node: Node, tag: string, depth = 0): Element | undefined {
  if (isElement(node) && node.tagName === tag) return node;
  if (!('childNodes' in node) || depth > 4) return undefined;
  for (const child of node.childNodes) {
    const found = find(child, tag, depth + 1);
    if (found) return found;
  }
  return undefined;
}
