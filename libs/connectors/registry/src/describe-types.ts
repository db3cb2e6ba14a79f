import type { Capabilities } from '@morag/connectors-core';
import { z } from 'zod';
import { loadVendor, SERVER_TYPES, type ServerType } from './vendors.ts';

/** What a form for a server of this type needs to know. */
export interface TypeDescription {
  readonly type: ServerType;
  readonly displayName: string;
  /** Each type has its connector. */
  readonly available: true;
  readonly defaultPort: number;
  /** JSON Schema of `config`, with a description and a default for each option. */
  readonly configSchema: Readonly<Record<string, unknown>>;
  readonly capabilities: Capabilities;
}

/** Every type that there is. */
export function describeTypes(): Promise<readonly TypeDescription[]> {
  return Promise.all(SERVER_TYPES.map(describeType));
}

async function describeType(type: ServerType): Promise<TypeDescription> {
  const { title, defaultPort, options, capabilities } = await loadVendor(type);
  const configSchema = z.toJSONSchema(options, { io: 'input' });
  return { type, displayName: title, available: true, defaultPort, configSchema, capabilities };
}
