import { dirname, join } from 'node:path';
import type { Project } from '../projects.ts';

/** One import of one source file; `path` runs from the repository's root. */
export interface Import {
  readonly path: string;
  readonly project: Project;
  readonly specifier: string;
}

const LIBRARY_LAYERS = ['contract', 'lib'];
const CONNECTOR_LAYERS = [...LIBRARY_LAYERS, 'connector-core'];

/** What each kind of package may use. Dependencies point one way; whatever is not listed is refused. */
const ALLOWED: Record<string, readonly string[]> = {
  contract: [],
  lib: LIBRARY_LAYERS,
  'connector-core': CONNECTOR_LAYERS,
  connector: CONNECTOR_LAYERS,
  'connector-registry': [...CONNECTOR_LAYERS, 'connector'],
  service: [...CONNECTOR_LAYERS, 'connector-registry'],
  gateway: LIBRARY_LAYERS,
  tool: [...CONNECTOR_LAYERS, 'connector', 'connector-registry', 'service', 'gateway', 'tool'],
};

/** Modules that a part of the tree must do without, and why. */
const BANNED: readonly { where: RegExp; module: RegExp; why: string }[] = [
  {
    where: /^libs\/connectors\//,
    module: /^(@mikro-orm\/|@connectrpc\/|@morag\/(orm|rpc)(\/|$))/,
    why: 'a connector knows one vendor and nothing of storage or transport',
  },
  {
    where: /\.handlers\.ts$/,
    module: /^(@mikro-orm\/|kysely$|pg$)/,
    why: 'a handler translates; queries belong to a store',
  },
  {
    // A relay hands events on to another service, by its client.
    where: /^services\/[^/]+\/src\/modules\/(?!.*\.(handlers|relay|spec)\.ts$)/,
    module: /^@connectrpc\//,
    why: 'a use case knows no transport; translate in the handler',
  },
];

/** What is wrong with an import; usually nothing. */
export function violationsOf(entry: Import, byName: ReadonlyMap<string, Project>): string[] {
  const found = BANNED.filter(({ where, module }) => where.test(entry.path) && module.test(entry.specifier));
  return [...found.map(({ why }) => why), ...leaving(entry), ...crossing(entry, byName)];
}

/** A relative path out of the package would get round its manifest. */
function leaving({ path, project, specifier }: Import): string[] {
  const outside = specifier.startsWith('.') && !join(dirname(path), specifier).startsWith(`${project.folder}/`);
  return outside ? ['a relative import must stay in its package'] : [];
}

function crossing({ project, specifier }: Import, byName: ReadonlyMap<string, Project>): string[] {
  if (!specifier.startsWith('@morag/')) return [];
  const target = byName.get(specifier.split('/').slice(0, 2).join('/'));
  if (!target) return ['there is no such package'];
  if (target.name === project.name) return ['a package imports its own files by relative paths'];
  const declared = project.uses.includes(target.name) ? [] : [`${target.name} is not in its package.json`];
  const allowed = ALLOWED[project.type]?.includes(target.type);
  return allowed ? declared : [...declared, `a ${project.type} must not use a ${target.type}`];
}
