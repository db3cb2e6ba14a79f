import { nearest } from './nearest.ts';
import { PATTERNS, VARIABLES, type ValueOf, type Variable, type VariableName } from './variables.ts';

/** The environment, as `process.env` has it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Everything that is wrong with the environment, one line each. No line holds a secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The configuration is wrong:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/** Reads variables one by one and remembers what is wrong with them. */
export interface Reader {
  /** The value, its default, or undefined. A variable that is set to nothing counts as unset. */
  optional<K extends VariableName>(name: K): ValueOf<K> | undefined;
  /** The value or its default. Without either: a problem, which names `why`. */
  required<K extends VariableName>(name: K, why?: string): ValueOf<K>;
  /** Notes a problem that a reader of several variables finds. */
  problem(line: string): void;
}

/**
 * Runs `read` over the environment and returns its result, or throws one ConfigError with every mistake: unknown
 * names, values of the wrong kind (of every variable, read or not), missing ones.
 */
export function readConfig<T>(env: Environment, read: (reader: Reader) => T): T {
  const problems = unknownNames(env);
  const values = parseAll(env, problems);
  const reader: Reader = {
    optional: (name) => values.get(name) as ValueOf<typeof name> | undefined,
    required<K extends VariableName>(name: K, why?: string) {
      const value = values.get(name);
      if (value === undefined && !isSet(env, name)) problems.push(`${name} is missing${why ? `: ${why}` : ''}`);
      // The lie, if there was a problem, ends below: nothing is returned then.
      return value as ValueOf<K>;
    },
    problem: (line) => void problems.push(line),
  };
  const result = read(reader);
  if (problems.length > 0) throw new ConfigError(problems);
  return result;
}

function isSet(env: Environment, name: string): boolean {
  return env[name] !== undefined && env[name] !== '';
}

function unknownNames(env: Environment): string[] {
  const known = Object.keys(VARIABLES);
  return Object.keys(env)
    .filter((name) => name.startsWith('MORAG_') && !Object.hasOwn(VARIABLES, name))
    .filter((name) => !PATTERNS.some((pattern) => pattern.test(name)))
    .map((name) => `${name} is not a variable of MoRAG; did you mean ${nearest(name, known)}?`);
}

function parseAll(env: Environment, problems: string[]): ReadonlyMap<string, unknown> {
  const values = new Map<string, unknown>();
  for (const [name, variable] of Object.entries<Variable<unknown>>(VARIABLES)) {
    const raw = env[name];
    const parsed = raw ? variable.kind.parse(raw) : undefined;
    if (raw && parsed === undefined) {
      problems.push(`${name} must be ${variable.kind.expects}${variable.secret ? '' : `, not "${raw}"`}`);
    }
    // A wrong value reads as the default, so that what depends on it can still be checked.
    const value = parsed ?? variable.default;
    if (value !== undefined) values.set(name, value);
  }
  return values;
}
