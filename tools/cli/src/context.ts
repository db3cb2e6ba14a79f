import type { Api } from './api.ts';
import { CliError } from './cli-error.ts';
import type { Output } from './output.ts';

/** What a command works with. */
export interface Context {
  /** Opened by the first command that needs it. */
  readonly api: () => Api;
  readonly output: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
}

interface Named {
  readonly id: string;
  readonly name: string;
}

/** The id of the resource that somebody names by its name or its id. */
export async function idOf(api: Api, noun: 'servers' | 'databases', nameOrId: string): Promise<string> {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(nameOrId)) return nameOrId;
  const filter = encodeURIComponent(`name = ${JSON.stringify(nameOrId)}`);
  const found = await api.call<Record<string, Named[]>>('GET', `/v1/${noun}?filter=${filter}`);
  const [first] = found[noun] ?? [];
  if (!first) throw new CliError(`There is no ${noun.slice(0, -1)} ${nameOrId}.`);
  return first.id;
}

/** Every page of a list. */
export async function listAll(api: Api, path: string, noun: string): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  for (let token = ''; ; ) {
    const query = `${path.includes('?') ? '&' : '?'}pageSize=1000&pageToken=${encodeURIComponent(token)}`;
    const page = await api.call<Record<string, unknown>>('GET', path + query);
    rows.push(...((page[noun] as Record<string, unknown>[] | undefined) ?? []));
    token = String(page.nextPageToken ?? '');
    if (token === '') return rows;
  }
}
