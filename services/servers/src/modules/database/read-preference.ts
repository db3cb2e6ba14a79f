/** Which of the placements that may answer a read are asked; as the database holds it. */
export interface ReadPreference {
  /** Servers that carry all of them are preferred; none prefers nobody. */
  readonly labels: Readonly<Record<string, string>>;
  /** By server id, 0 to 100. */
  readonly weights: Readonly<Record<string, number>>;
  /** All reads go to this server; empty for none. */
  readonly pinnedServerId: string;
}

/** Of a database that prefers nobody. */
export const NO_PREFERENCE: ReadPreference = { labels: {}, weights: {}, pinnedServerId: '' };

/** Of a server that a preference does not name. */
export const FULL_WEIGHT = 100;

/** How a placement stands with the preference of its database. */
export interface Preferred {
  /** 0 to 100: how often it is asked, against others of the same cost. */
  readonly weight: number;
  /** Its server carries the labels; so do all where none are asked for. */
  readonly isPreferred: boolean;
}

/** What a preference makes of a placement on a server. */
export function preferred(
  { labels, weights }: ReadPreference,
  server: { readonly serverId: string; readonly labels: Readonly<Record<string, string>> },
): Preferred {
  return {
    weight: weights[server.serverId] ?? FULL_WEIGHT,
    isPreferred: Object.entries(labels).every(([key, value]) => server.labels[key] === value),
  };
}

/** The servers that a preference names, each once. */
export function serversNamed({ weights, pinnedServerId }: ReadPreference): readonly string[] {
  return [...new Set([...Object.keys(weights), ...(pinnedServerId ? [pinnedServerId] : [])])];
}
