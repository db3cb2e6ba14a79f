import type { Command } from 'commander';
import { type Context, idOf } from '../context.ts';

interface Hit {
  readonly score: number;
  readonly text: string;
  readonly document: { readonly name: string; readonly title: string };
  readonly position: { readonly page?: number; readonly headingPath: readonly string[] };
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
      const answer = await api.call<{ hits: Hit[]; degraded: boolean; degradedReason: string }>(
        'POST',
        `/v1/databases/${id}:search`,
        { query, topK },
      );
      if (answer.degraded) process.stderr.write(`degraded: ${answer.degradedReason}\n`);
      context.output.text(answer.hits.map(renderHit).join('\n\n') || 'nothing found', answer);
    });
}

function renderHit({ score, text, document, position }: Hit, index: number): string {
  const place = [...position.headingPath, ...(position.page ? [`page ${position.page}`] : [])].join(' › ');
  const head = `${index + 1}. ${document.name}${place ? ` (${place})` : ''}  ${score.toFixed(2)}`;
  return `${head}\n${text.trim().replace(/^/gm, '   ')}`;
}
