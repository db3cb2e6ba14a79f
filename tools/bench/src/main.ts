import { type Line, renderLine, writeResults } from './report.ts';

/** A benchmark measures one goal and prints nothing itself. */
type Benchmark = () => Promise<readonly Line[]> | AsyncIterable<Line>;

/** By the name of its goal; loaded when it is run. */
const BENCHMARKS: Readonly<Record<string, () => Promise<Benchmark>>> = {
  P1: async () => (await import('./gateway.bench.ts')).gatewayBenchmark,
  P2: async () => {
    const [routed, connectors] = await Promise.all([import('./query.bench.ts'), import('./connectors/query.bench.ts')]);
    return async function* () {
      yield* await routed.queryBenchmark();
      yield* connectors.connectorQueryBenchmark();
    };
  },
  P3: async () => (await import('./credentials.bench.ts')).apiKeyBenchmark,
  P4: async () => (await import('./credentials.bench.ts')).accessTokenBenchmark,
  P5: async () => (await import('./login.bench.ts')).loginBenchmark,
  P9: async () => (await import('./read.bench.ts')).readBenchmark,
  P10: async () => (await import('./connectors/bulk.bench.ts')).bulkBenchmark,
  P10b: async () => (await import('./placements/small-writes.bench.ts')).smallWritesBenchmark,
  P11: async () => (await import('./placements/killed-server.bench.ts')).killedServerBenchmark,
  P12: async () => (await import('./placements/slow-placement.bench.ts')).slowPlacementBenchmark,
  P13: async () => (await import('./fleet/many-servers.bench.ts')).manyServersBenchmark,
  P14: async () => (await import('./memory.bench.ts')).memoryBenchmark,
  P15: async () => (await import('./placements/replication.bench.ts')).replicationBenchmark,
  P16: async () => (await import('./secrets.bench.ts')).secretsBenchmark,
  Q3: async () => (await import('./search.bench.ts')).searchBenchmark,
  Q4: async () => (await import('./ingestion.bench.ts')).ingestionBenchmark,
};

/** Exit code 0 also when a goal is missed: a benchmark tells, it does not judge. 2 for an unknown name. */
async function main(names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => !Object.hasOwn(BENCHMARKS, name));
  if (unknown.length > 0) {
    process.stderr.write(
      `There is no benchmark ${unknown.join(', ')}; there are ${Object.keys(BENCHMARKS).join(', ')}.\n`,
    );
    return 2;
  }
  const lines: Line[] = [];
  for (const [name, load] of Object.entries(BENCHMARKS)) {
    if (names.length > 0 && !names.includes(name)) continue;
    process.stderr.write(`${name} …\n`);
    for await (const line of await (await load())()) {
      process.stdout.write(`${renderLine(line)}\n`);
      lines.push(line);
      writeResults(lines);
    }
  }
  return 0;
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${(error as Error).stack ?? String(error)}\n`);
    process.exit(1);
  },
);
