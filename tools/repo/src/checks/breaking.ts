import { type CommandResult, run } from '../command.ts';

/**
 * Compares the contracts with what they were: on a branch with where it left main, on main itself with the commit
 * before. `MORAG_BREAKING_AGAINST` names another commit, for example the last release's tag.
 */
export async function checkBreaking(): Promise<CommandResult> {
  const against = process.env.MORAG_BREAKING_AGAINST || (await earlierCommit());
  if (!against) return { ok: true, output: '' };
  return run('buf', ['breaking', '--against', `.git#ref=${against}`]);
}

/** Nothing in a repository whose only commit (or only fetched one) is the present one. */
async function earlierCommit(): Promise<string | undefined> {
  const head = await commitOf('HEAD');
  const base = await git('merge-base', 'HEAD', 'origin/main');
  return base && base !== head ? base : commitOf('HEAD~1');
}

const commitOf = (name: string): Promise<string | undefined> =>
  git('rev-parse', '--verify', '--quiet', `${name}^{commit}`);

async function git(...args: string[]): Promise<string | undefined> {
  const { ok, output } = await run('git', args);
  return ok ? output : undefined;
}
