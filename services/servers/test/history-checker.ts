/** What is known of one record that one client alone writes. */
interface Known {
  /** The version after the last write that was acknowledged; undefined for deleted, and before the first. */
  acknowledged: number | undefined;
  /** What writes since then may have made of it: their outcome is not known. */
  readonly possible: Set<number | undefined>;
}

/** Judges what reads answer by what writes were answered. */
export interface HistoryChecker {
  /** A write begins: from now on it may be seen. `version` is undefined for a delete. */
  began(id: string, version: number | undefined): void;
  /** It was acknowledged: from now on nothing older may be seen. */
  acknowledged(id: string, version: number | undefined): void;
  /** A read that had to see all that was acknowledged before. */
  read(id: string, version: number | undefined): void;
  readonly ids: readonly string[];
  /** Results that were lost, stale or resurrected. */
  readonly violations: readonly string[];
}

/** Creates a checker of records that do not exist yet. Writes to one record follow each other. */
export function createHistoryChecker(): HistoryChecker {
  const records = new Map<string, Known>();
  const violations: string[] = [];
  const knownOf = (id: string): Known => {
    const known = records.get(id) ?? { acknowledged: undefined, possible: new Set() };
    records.set(id, known);
    return known;
  };
  return {
    began: (id, version) => knownOf(id).possible.add(version),
    acknowledged(id, version) {
      const known = knownOf(id);
      known.acknowledged = version;
      known.possible.clear();
    },
    read(id, version) {
      const { acknowledged, possible } = knownOf(id);
      if (version === acknowledged || possible.has(version)) return;
      violations.push(`${id} has version ${version}, not ${[acknowledged, ...possible].join(' or ')}`);
    },
    get ids() {
      return [...records.keys()];
    },
    violations,
  };
}
