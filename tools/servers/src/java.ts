import { execFile } from 'node:child_process';
import { globSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { LabError } from './lab-server.ts';

const run = promisify(execFile);
const INSTALL_TIMEOUT_MS = 600_000;
/** A registry that fails once seldom fails three times. */
const ATTEMPTS = 3;
const DEPENDENCY_PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1';

/** A library in Maven Central: group, name and version. */
export type Artifact = readonly [group: string, name: string, version: string];

/** The first Java of this version or a later one: MORAG_JAVA, JAVA_HOME, the PATH, Debian's folder. */
export async function findJava(versionMin: number): Promise<string> {
  const { MORAG_JAVA, JAVA_HOME } = process.env;
  const candidates = [MORAG_JAVA, JAVA_HOME && join(JAVA_HOME, 'bin', 'java'), 'java'];
  for (const candidate of [...candidates, ...globSync('/usr/lib/jvm/*/bin/java').toSorted()]) {
    if (candidate && (await versionOf(candidate)) >= versionMin) return candidate;
  }
  throw new LabError(
    `No Java ${versionMin} or newer was found; on Debian: apt-get install openjdk-${versionMin}-jre-headless. MORAG_JAVA names another one.`,
  );
}

/** The major version, or 0 where there is no Java. */
async function versionOf(java: string): Promise<number> {
  try {
    const { stderr } = await run(java, ['-XshowSettings:properties', '-version']);
    return Number(/java\.specification\.version = (\d+)/.exec(stderr)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Puts the jars of these libraries, and of all that they need, into `folder`/lib. Maven checks them by their checksums. */
export async function installJars(artifacts: readonly Artifact[], folder: string): Promise<void> {
  await run('mvn', ['--version']).catch(() => {
    throw new LabError('Maven (mvn) is needed; on Debian: apt-get install maven.');
  });
  writeFileSync(join(folder, 'pom.xml'), pomOf(artifacts));
  const target = [`-DincludeScope=runtime`, `-DoutputDirectory=${join(folder, 'lib')}`];
  for (let attempt = 1; ; attempt++) {
    try {
      await run('mvn', ['-B', '-q', '-C', `${DEPENDENCY_PLUGIN}:copy-dependencies`, ...target], {
        cwd: folder,
        timeout: INSTALL_TIMEOUT_MS,
      });
      return;
    } catch (error) {
      if (attempt < ATTEMPTS) continue;
      const { stdout = '' } = error as { stdout?: string };
      const names = artifacts.map((artifact) => artifact.join(':')).join(', ');
      throw new LabError(`mvn cannot install ${names}:\n${stdout.trim().slice(-4_000) || String(error)}`);
    }
  }
}

function pomOf(artifacts: readonly Artifact[]): string {
  const dependencies = artifacts.map(
    ([group, name, version]) =>
      `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version></dependency>`,
  );
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId><artifactId>server</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>${dependencies.join('')}</dependencies>
</project>
`;
}
