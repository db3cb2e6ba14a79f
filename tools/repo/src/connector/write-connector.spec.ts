import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ROOT } from '../projects.ts';
import { vendorNameProblem, writeConnector } from './write-connector.ts';

const root = mkdtempSync(join(tmpdir(), 'morag-connector-'));
const NAME = 'oracle';

/** As much of the repository as the skeleton touches; the rest is reached through node_modules. */
beforeAll(() => {
  for (const path of [
    'tsconfig.base.json',
    'libs/connectors/core/package.json',
    'libs/connectors/core/src',
    'tools/servers/package.json',
    'tools/servers/src/vendors.ts',
    'tools/servers/src/external.ts',
    'tools/servers/src/lab-server.ts',
  ]) {
    cpSync(join(ROOT, path), join(root, path), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  mkdirSync(join(root, 'docs'));
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('npm run connector', () => {
  it('refuses names that are no identifier, or taken', () => {
    for (const name of ['', 'Oracle', 'my-db', '7db', '../up', 'x', 'a'.repeat(40)]) {
      expect(vendorNameProblem(root, name)).toContain('lower-case');
    }
    expect(vendorNameProblem(root, 'core')).toContain('exists');
    expect(vendorNameProblem(root, NAME)).toBeUndefined();
  });

  it('writes a package that type-checks, with its harness and spec', () => {
    const written = writeConnector(root, NAME);
    expect(written).toContain('libs/connectors/oracle/src/oracle.connector.ts');
    for (const path of written) expect(readFileSync(join(root, path), 'utf8')).not.toMatch(/__\w*__/);
    const paths = {
      '@morag/connectors-core': ['./libs/connectors/core/src/index.ts'],
      [`@morag/connectors-${NAME}`]: [`./libs/connectors/${NAME}/src/index.ts`],
    };
    const config = {
      extends: './tsconfig.base.json',
      compilerOptions: { composite: false, incremental: false, noEmit: true, paths },
      files: [
        `libs/connectors/${NAME}/src/index.ts`,
        `tools/servers/src/${NAME}.harness.ts`,
        `tools/servers/test/${NAME}.conformance.spec.ts`,
      ],
    };
    writeFileSync(join(root, 'tsconfig.json'), JSON.stringify(config));
    const { status, stdout } = spawnSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', root], { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  }, 120_000);

  it('keeps its word on what the port asks of every call already', () => {
    const program = `
      import { createEgress } from '@morag/egress';
      import { ${NAME} } from './libs/connectors/${NAME}/src/index.ts';
      const settings = { host: '127.0.0.1', port: 1, tls: 'DISABLED', config: {} };
      const egress = createEgress({ allow: [], embedded: true });
      const connector = ${NAME}.create(settings, ${NAME}.options.parse({ retries: 0 }), { egress });
      const category = (promise) => promise.then(() => 'none', (error) => error.category);
      const found = [await category(connector.ping()), await category(connector.count('any'))];
      await connector.close();
      console.log([...found, await category(connector.ping())].join());`;
    writeFileSync(join(root, 'try.mjs'), program);
    const { stdout, stderr } = spawnSync(process.execPath, ['try.mjs'], { cwd: root, encoding: 'utf8' });
    expect({ stdout: stdout.trim(), stderr }).toEqual({ stdout: 'unavailable,unsupported,cancelled', stderr: '' });
  }, 60_000);
});
