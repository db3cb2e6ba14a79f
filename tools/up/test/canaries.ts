import pg from 'pg';

/** Secrets that are looked for, by what they are. */
export type Canaries = ReadonlyMap<string, readonly string[]>;

/** What was heard at each place: an answer, the log, the database. */
export type Places = ReadonlyMap<string, string>;

/** A secret's first letters are told to anybody (a key's prefix): what counts is the whole of it, in any of these forms. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const base64 = [0, 1, 2].map((shift) => base64Within(bytes, shift));
  const base64Url = base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  const json = JSON.stringify(secret).slice(1, -1);
  return [secret, json, encodeURIComponent(secret), bytes.toString('hex'), ...base64, ...base64Url];
}

/** How the bytes look in base64 when `shift` others stand before them (modulo three) and any come after them. */
function base64Within(bytes: Buffer, shift: number): string {
  const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
  const firstWhole = Math.ceil((shift * 8) / 6);
  const endOfWhole = Math.floor(((shift + bytes.length) * 8) / 6);
  return text.slice(firstWhole, endOfWhole);
}

/** Which secret stands where, as `<place>: <secret>`, in order. */
export function findCanaries(canaries: Canaries, places: Places): string[] {
  const found: string[] = [];
  for (const [what, secrets] of canaries) {
    const forms = secrets.flatMap(formsOf);
    for (const [place, text] of places) {
      if (forms.some((form) => text.includes(form))) found.push(`${place}: ${what}`);
    }
  }
  return found.sort();
}

/** Every row of every table of a database as JSON, by table; bytes in hex. */
export async function dumpDatabase(url: string): Promise<Map<string, string>> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables
       where schemaname not in ('pg_catalog', 'information_schema')`,
    );
    const dump = new Map<string, string>();
    for (const { name } of tables) {
      const { rows } = await client.query<{ row: string }>(`select to_jsonb(t)::text as row from ${name} t`);
      dump.set(`table ${name}`, rows.map(({ row }) => row).join('\n'));
    }
    return dump;
  } finally {
    await client.end();
  }
}
