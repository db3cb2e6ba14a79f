import type { List, ListItem, Nodes, Root, RootContent, Table } from 'mdast';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { gfmTableFromMarkdown } from 'mdast-util-gfm-table';
import { gfmTable } from 'micromark-extension-gfm-table';
import { type Draft, type DraftBlock, unwrap, visibleLength } from './draft.ts';
import { extractHtmlFragment } from './html.extractor.ts';
import { tableLines } from './table.ts';

/** Reads CommonMark with tables and front matter. */
export function extractMarkdown(source: string): Draft {
  const { title, body } = splitFrontMatter(source);
  const tree: Root = fromMarkdown(body, { extensions: [gfmTable()], mdastExtensions: [gfmTableFromMarkdown()] });
  const blocks = tree.children.flatMap(blocksOf);
  const heading = tree.children.find((node) => node.type === 'heading' && node.depth === 1);
  const ownTitle = title ?? (heading && unwrap(plainText(heading)));
  return { blocks, charactersFound: visibleLength(body), ...(ownTitle && { title: ownTitle }) };
}

/** Front matter is YAML between two lines `---` at the very start; of its fields only the title is of use here. */
function splitFrontMatter(source: string): { title?: string; body: string } {
  const match = /^\ufeff?---[ \t]*\r?\n([\s\S]*?)\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|$)/.exec(source);
  if (!match) return { body: source };
  const title = /^title:[ \t]*(.+?)[ \t]*$/m.exec(match[1] ?? '')?.[1]?.replace(/^(["'])(.*)\1$/, '$2');
  return { ...(title && { title }), body: source.slice(match[0].length) };
}

function blocksOf(node: RootContent): DraftBlock[] {
  switch (node.type) {
    case 'heading':
      return [{ kind: 'heading', level: node.depth, text: plainText(node) }];
    case 'paragraph':
      return [{ kind: 'paragraph', text: unwrap(plainText(node)) }];
    case 'code':
      return [{ kind: 'code', text: node.value }];
    case 'table':
      return [{ kind: 'table', text: tableText(node) }];
    case 'list':
      return listBlocks(node);
    case 'blockquote':
      return node.children.flatMap(blocksOf);
    case 'html':
      return extractHtmlFragment(node.value);
    default:
      return [];
  }
}

/** A list of plain items is one block; one whose items hold code or tables is read item by item. */
function listBlocks(list: List): DraftBlock[] {
  const isPlain = list.children.every((item) => item.children.every((child) => isPlainItem(child)));
  if (isPlain) return [{ kind: 'list', text: itemLines(list, '').join('\n') }];
  return list.children.flatMap((item) => item.children.flatMap(blocksOf));
}

function isPlainItem(node: ListItem['children'][number]): boolean {
  if (node.type === 'list') return node.children.every((item) => item.children.every(isPlainItem));
  return node.type === 'paragraph';
}

function itemLines(list: List, indent: string): string[] {
  return list.children.flatMap((item) =>
    item.children.flatMap((child, index) => {
      if (child.type === 'list') return itemLines(child, `${indent}  `);
      return [`${indent}${index === 0 ? '- ' : '  '}${unwrap(plainText(child))}`];
    }),
  );
}

function tableText(table: Table): string {
  return tableLines(table.children.map((row) => row.children.map((cell) => plainText(cell))));
}

function plainText(node: Nodes): string {
  switch (node.type) {
    case 'text':
    case 'inlineCode':
    case 'code':
      return node.value;
    case 'break':
      return '\n';
    case 'image':
    case 'imageReference':
      return node.alt ?? '';
    default:
      return 'children' in node ? node.children.map((child) => plainText(child)).join('') : '';
  }
}
