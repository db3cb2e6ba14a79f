import { parseSync } from 'oxc-parser';

/** Every module that a source file names: imports, re-exports and `import('…')` with a literal; types included. */
export function importsOf(path: string, source: string): string[] {
  const { module } = parseSync(path, source);
  return [
    ...module.staticImports.map((entry) => entry.moduleRequest.value),
    ...module.staticExports.flatMap((statement) => statement.entries.map((entry) => entry.moduleRequest?.value)),
    ...module.dynamicImports.map((entry) => literal(source.slice(entry.moduleRequest.start, entry.moduleRequest.end))),
  ].filter((specifier): specifier is string => specifier !== undefined);
}

/** The text of a plain string literal; nothing for an expression, whose value is not known here. */
const literal = (text: string): string | undefined => /^(['"`])([^'"`$]*)\1$/.exec(text)?.[2];
