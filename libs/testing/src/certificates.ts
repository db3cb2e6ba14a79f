import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from 'selfsigned';

/** A certificate authority of a test's own. */
export interface TestAuthority {
  readonly caFile: string;
  /** PEM. */
  readonly ca: string;
  /** Writes `<name>.crt` and `<name>.key` for 127.0.0.1 and localhost, replacing what is there. */
  issue(name: string): Promise<{ readonly certFile: string; readonly keyFile: string }>;
}

/** Makes an authority whose files lie in `folder`. */
export async function newAuthority(folder: string): Promise<TestAuthority> {
  const options = { algorithm: 'sha256', keyType: 'ec' } as const;
  const authority = await generate([{ name: 'commonName', value: 'test authority' }], {
    ...options,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  });
  const caFile = join(folder, `ca-${crypto.randomUUID()}.crt`);
  writeFileSync(caFile, authority.cert);
  return {
    caFile,
    ca: authority.cert,
    async issue(name) {
      const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
        ...options,
        ca: { key: authority.private, cert: authority.cert },
        extensions: [
          { name: 'basicConstraints', cA: false },
          {
            name: 'subjectAltName',
            altNames: [
              { type: 7, ip: '127.0.0.1' },
              { type: 2, value: 'localhost' },
            ],
          },
          { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
        ],
      });
      return { certFile: replace(folder, `${name}.crt`, cert), keyFile: replace(folder, `${name}.key`, key) };
    },
  };
}

function replace(folder: string, name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return file;
}
