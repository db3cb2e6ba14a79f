import pg from 'pg';

/** See ensureSchemaAndRole. */
export interface ServiceRole {
  /** Also the schema's name. */
  readonly service: string;
  /** Of the role; the same at each start. */
  readonly password: string;
  /** Further schemas that the role may use, for a library with tables of its own. */
  readonly schemas?: readonly string[];
}

/**
 * Makes sure that the service's schema and role exist, that the role has this password and may use that schema alone.
 * Repeatable, and safe while several instances start at once. `adminUrl` names a user who may create roles and schemas.
 * Returns the URL with which the service connects.
 */
export async function ensureSchemaAndRole(adminUrl: string, role: ServiceRole): Promise<string> {
  const { service, password, schemas = [] } = role;
  const client = new pg.Client({ connectionString: adminUrl, application_name: 'morag-setup' });
  await client.connect();
  try {
    await client.query("select pg_advisory_lock(hashtextextended('morag/roles', 0))");
    const { rows } = await client.query<{ name: string }>('select current_database() as name');
    const name = roleName(rows[0]?.name ?? '', service);
    await ensureRole(client, name, password);
    for (const schema of [service, ...schemas]) {
      await client.query(`create schema if not exists ${pg.escapeIdentifier(schema)}`);
      await client.query(
        `grant usage, create on schema ${pg.escapeIdentifier(schema)} to ${pg.escapeIdentifier(name)}`,
      );
    }
    return withCredentials(adminUrl, name, password);
  } finally {
    await client.end();
  }
}

/** Makes sure that the schemas exist in a database that is the service's own, through the user it runs as. */
export async function ensureSchemas(url: string, schemas: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: 'morag-setup' });
  await client.connect();
  try {
    for (const schema of schemas) {
      const { rowCount } = await client.query('select from pg_namespace where nspname = $1', [schema]);
      // Asked first: `create … if not exists` demands the right to create even where it has nothing to do.
      if (rowCount === 0) await client.query(`create schema if not exists ${pg.escapeIdentifier(schema)}`);
    }
  } finally {
    await client.end();
  }
}

/** Roles belong to the whole server, so that several installations on one server need names of their own. */
function roleName(database: string, service: string): string {
  return `${database}_${service}`;
}

async function ensureRole(client: pg.Client, name: string, password: string): Promise<void> {
  const role = pg.escapeIdentifier(name);
  const { rowCount } = await client.query('select from pg_roles where rolname = $1', [name]);
  if (rowCount === 0) await client.query(`create role ${role}`);
  await client.query(`alter role ${role} with login password ${pg.escapeLiteral(password)}`);
}

function withCredentials(url: string, user: string, password: string): string {
  const result = new URL(url);
  result.username = encodeURIComponent(user);
  result.password = encodeURIComponent(password);
  return result.href;
}
