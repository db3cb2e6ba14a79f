import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { ROOT } from './projects.ts';

interface Service {
  readonly command?: string;
  readonly image?: string;
  readonly environment?: Record<string, string>;
  readonly depends_on?: readonly string[] | Record<string, unknown>;
  readonly volumes?: readonly string[];
  readonly secrets?: readonly string[];
}

const compose = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
  services: Record<string, Service>;
  volumes: Record<string, null>;
  secrets: Record<string, unknown>;
};
const example = readFileSync(join(ROOT, '.env.example'), 'utf8');
const known = new Set([...example.matchAll(/^#?\s*(MORAG_\w+)=/gm)].map(([, name]) => name));
const services = Object.entries(compose.services);

describe('docker-compose.yml', () => {
  it.each(services)('sets only variables that the configuration knows: %s', (_name, { environment = {} }) => {
    const ours = Object.keys(environment).filter((name) => name.startsWith('MORAG_'));
    expect(ours.filter((name) => !known.has(name))).toEqual([]);
  });

  it.each(services.filter(([, { image }]) => image === undefined))(
    'runs a program that exists: %s',
    (name, { command }) => {
      expect(command).toBe(`node services/${name}/src/main.ts`);
      expect(existsSync(join(ROOT, `services/${name}/src/main.ts`))).toBe(true);
    },
  );

  it('starts every service that has a program, and names only what it defines', () => {
    const programs = ['identity', 'servers', 'documents', 'gateway'];
    expect(Object.keys(compose.services)).toEqual(expect.arrayContaining(programs));
    for (const [, { depends_on = [], volumes = [], secrets = [] }] of services) {
      const needed = Array.isArray(depends_on) ? depends_on : Object.keys(depends_on);
      expect(Object.keys(compose.services)).toEqual(expect.arrayContaining(needed));
      expect(Object.keys(compose.volumes)).toEqual(
        expect.arrayContaining(volumes.map((volume) => volume.split(':')[0])),
      );
      expect(Object.keys(compose.secrets)).toEqual(expect.arrayContaining([...secrets]));
    }
  });
});

it('copies into the image only what exists', () => {
  const copies = readFileSync(join(ROOT, 'Dockerfile'), 'utf8').matchAll(/^COPY (.+) \S+$/gm);
  const sources = [...copies].flatMap(([, list = '']) => list.split(' '));
  expect(sources.length).toBeGreaterThan(0);
  expect(sources.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});
