import { Presets, SingleBar } from 'cli-progress';
import type { Progress } from './ingest-folder.ts';

/** A bar on a terminal; a line for every tenth elsewhere. */
export function createProgress(total: number): { readonly report: Progress; stop(): void } {
  if (!process.stderr.isTTY) return plainProgress();
  const format = '{bar} {percentage}% | {files}/{total} files | {name}';
  const bar = new SingleBar({ format, stream: process.stderr, hideCursor: true }, Presets.rect);
  bar.start(total, 0, { files: 0, name: '' });
  return {
    report: (done, _total, name) => bar.update(done, { files: Math.floor(done + 1e-9), name }),
    stop: () => bar.stop(),
  };
}

function plainProgress(): { readonly report: Progress; stop(): void } {
  let shown = 0;
  return {
    report(done, total) {
      const tenth = Math.floor((done / total) * 10 + 1e-9);
      if (tenth <= shown) return;
      shown = tenth;
      process.stderr.write(`ingested ${tenth * 10}% of ${total} files\n`);
    },
    stop: () => {},
  };
}
