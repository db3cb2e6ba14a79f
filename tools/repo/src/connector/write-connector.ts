import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const TEMPLATES = fileURLToPath(new URL('../../templates/connector', import.meta.url));

/** Where each template goes; `V` stands for the vendor. */
const FILES: Readonly<Record<string, string>> = {
  'package.json.tpl': 'libs/connectors/V/package.json',
  'index.ts.tpl': 'libs/connectors/V/src/index.ts',
  'options.ts.tpl': 'libs/connectors/V/src/V.options.ts',
  'errors.ts.tpl': 'libs/connectors/V/src/V.errors.ts',
  'wire.ts.tpl': 'libs/connectors/V/src/V.wire.ts',
  'connector.ts.tpl': 'libs/connectors/V/src/V.connector.ts',
  'harness.ts.tpl': 'tools/servers/src/V.harness.ts',
  'conformance.spec.ts.tpl': 'tools/servers/test/V.conformance.spec.ts',
  'page.md.tpl': 'docs/connectors/V.md',
};

/** What stands in the way of a name, or undefined. */
export function vendorNameProblem(root: string, name: string): string | undefined {
  if (!/^[a-z][a-z0-9]{1,30}$/.test(name))
    return 'a vendor is named in lower-case letters and digits, as in its import';
  return existsSync(join(root, `libs/connectors/${name}`)) ? `libs/connectors/${name} exists` : undefined;
}

/** Writes the skeleton of a connector, and makes it known to the port and to the suite; answers the files it touched. */
export function writeConnector(root: string, name: string): readonly string[] {
  const zod = dependencyOf(root, 'libs/connectors/core', 'zod');
  const written = Object.entries(FILES).map(([template, path]) => {
    const target = path.replaceAll('V', name);
    const text = readFileSync(join(TEMPLATES, template), 'utf8');
    mkdirSync(dirname(join(root, target)), { recursive: true });
    writeFileSync(join(root, target), fill(text, name, zod));
    return target;
  });
  const changed = Object.entries(EDITS).map(([path, edit]) => {
    const text = readFileSync(join(root, path), 'utf8');
    const edited = edit(text, name);
    if (edited === text) throw new Error(`${path} is not as it was when this program was written`);
    writeFileSync(join(root, path), edited);
    return path;
  });
  return [...written, ...changed];
}

/** Lines that make the vendor known. */
const EDITS: Readonly<Record<string, (text: string, name: string) => string>> = {
  'libs/connectors/core/src/connector.port.ts': (text, name) =>
    text.replace(/(export const VENDORS = \[[^\]]*)\]/, `$1, '${name}']`),
  'tools/servers/src/vendors.ts': (text, name) =>
    text.replace(
      /(export const VENDORS\b[^]*?)\n};/,
      (_, entries: string) => `${entries}
  ${name}: {
    sdk: '${name}',
    harness: async () => (await import('./${name}.harness.ts')).external${capital(name)}(),
  },
};`,
    ),
  'tools/servers/package.json': (text, name) =>
    text.replace(/( +"@morag\/egress")/, `    "@morag/connectors-${name}": "0.0.0",\n$1`),
};

function fill(template: string, name: string, zod: string): string {
  return template
    .replaceAll('__vendor__', name)
    .replaceAll('__Vendor__', capital(name))
    .replaceAll('__VENDOR__', name.toUpperCase())
    .replaceAll('__zod__', zod);
}

function capital(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function dependencyOf(root: string, folder: string, dependency: string): string {
  const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  return manifest.dependencies[dependency] ?? '*';
}
