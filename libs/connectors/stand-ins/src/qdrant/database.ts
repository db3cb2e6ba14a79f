import { Collection } from './collection.ts';
import { badBody, Failure, noCollection, notFound, wrongInput } from './failure.ts';
import { isObject, type JsonObject } from './json.ts';

const NAME_LENGTH_MAX = 255;
const FORBIDDEN = /[<>:"/\\|?*\0\u001f]/u;

/** What a server holds: it survives a restart. */
export class Database {
  readonly #collections = new Map<string, Collection>();
  readonly #aliases = new Map<string, string>();
  readonly #now: () => number;

  /** `now`: the clock of limits of rates. */
  constructor(now: () => number) {
    this.#now = now;
  }

  names(): string[] {
    return [...this.#collections.keys()].sort();
  }

  aliases(of?: string): { alias_name: string; collection_name: string }[] {
    return [...this.#aliases]
      .filter(([, collection]) => of === undefined || collection === of)
      .map(([alias, collection]) => ({ alias_name: alias, collection_name: collection }));
  }

  has(name: string): boolean {
    return this.#collections.has(this.#aliases.get(name) ?? name);
  }

  /** By name or alias. */
  get(name: string): Collection {
    const collection = this.#collections.get(this.#aliases.get(name) ?? name);
    if (!collection) throw noCollection(name);
    return collection;
  }

  create(name: string, body: unknown): true {
    const forbidden = FORBIDDEN.exec(name)?.[0];
    if (forbidden !== undefined) {
      const text = `collection_name: collection name cannot contain ${JSON.stringify(forbidden)} char`;
      throw new Failure(422, `Validation error in path parameters: [${text}]`);
    }
    if (!isObject(body)) throw badBody('invalid type: expected struct CreateCollection');
    const collection = new Collection(body, this.#now);
    if (this.#aliases.has(name)) {
      throw wrongInput(`Can't create collection with name ${name}. Alias with the same name already exists`);
    }
    if (this.#collections.has(name)) throw exists(name);
    this.#collections.set(name, collection);
    return true;
  }

  /** Not by alias; its aliases go with it. */
  delete(name: string): boolean {
    if (!this.#collections.delete(name)) return false;
    for (const { alias_name: alias } of this.aliases(name)) this.#aliases.delete(alias);
    return true;
  }

  /** One after the other: those before a failing one stay. */
  changeAliases(body: unknown): true {
    const { actions } = isObject(body) ? body : {};
    if (!Array.isArray(actions)) throw badBody('missing field `actions`');
    for (const action of actions) this.#changeAlias(isObject(action) ? action : {});
    return true;
  }

  #changeAlias({ create_alias: create, delete_alias: remove, rename_alias: rename }: JsonObject): void {
    if (isObject(create)) {
      const [collection, alias] = [String(create.collection_name), String(create.alias_name)];
      if (!this.#collections.has(collection)) throw noCollection(collection);
      if (this.#collections.has(alias)) throw exists(alias);
      this.#aliases.set(alias, collection);
    } else if (isObject(remove)) {
      this.#aliases.delete(String(remove.alias_name));
    } else if (isObject(rename)) {
      const [from, to] = [String(rename.old_alias_name), String(rename.new_alias_name)];
      const collection = this.#aliases.get(from);
      if (collection === undefined) throw notFound(`Alias ${from} does not exists!`);
      this.#aliases.delete(from);
      this.#aliases.set(to, collection);
    } else {
      throw badBody('data did not match any variant of untagged enum AliasOperations');
    }
  }
}

/** The length of a name is looked at everywhere, its letters only where it is given. */
export function checkName(name: string): void {
  if (name.length <= NAME_LENGTH_MAX) return;
  const text = `collection_name: value ${JSON.stringify(name)} invalid, must be from 1 to ${NAME_LENGTH_MAX} characters`;
  throw new Failure(422, `Validation error in path parameters: [${text}]`);
}

function exists(name: string): Failure {
  return wrongInput(`Collection \`${name}\` already exists!`, 409);
}
