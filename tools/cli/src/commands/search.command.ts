import type { Command } from 'commander';
import { type Context, idOf } from '../context.ts';

interface Hit {
  readonly score: number;
  readonly text: string;
  readonly document: { readonly name: string; readonly title: string };
  readonly position: { readonly page?: number; readonly headingPath: readonly string[] };
}

interface Answer {
  readonly hits: readonly Hit[];
  readonly degraded: boolean;
  readonly degradedReason: string;
}

interface Statistics {
  readonly documentsByState: Readonly<Record<string, number>>;
}

/** `morag token` and `morag search`. */
export function addSearch(program: Command, context: Context): void {
  program
    .command('token')
    .description('prints an access token, for curl and grpcurl')
    .action(async () => {
      process.stdout.write(`${await context.api().token()}\n`);
    });
  program
    .command('search <query>')
    .description('finds the passages that answer a question')
    .option('-d, --database <name>', 'name or id', 'default')
    .option('-k, --top-k <count>', 'how many passages', Number, 3)
    .action(async (query: string, { database, topK }: { database: string; topK: number }) => {
      const api = context.api();
      const id = await idOf(api, 'databases', database);
      const [answer, { documentsByState }] = await Promise.all([
        api.call<Answer>('POST', `/v1/databases/${id}:search`, { query, topK }),
        api.call<Statistics>('GET', `/v1/databases/${id}/documents:statistics`),
      ]);
      context.output.text(answer.hits.map(renderHit).join('\n\n') || 'nothing found', answer);
      if (answer.degraded) process.stderr.write(`degraded: ${answer.degradedReason}\n`);
      const { PENDING = 0, INGESTING = 0 } = documentsByState;
      const missing = PENDING + INGESTING;
      if (missing > 0) process.stderr.write(`\nStill to be ingested: ${missing} of its documents.\n`);
    });
}

function renderHit({ score, text, document, position }: Hit, index: number): string {
  const place = [...position.headingPath, ...(position.page ? [`page ${position.page}`] : [])].join(' › ');
  const head = `${index + 1}. ${document.name}${place ? ` (${place})` : ''}  ${score.toFixed(2)}`;
  return `${head}\n${text.trim().replace(/^/gm, '   ')}`;
}
