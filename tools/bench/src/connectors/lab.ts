import { randomUUID } from 'node:crypto';
import type { ServerSettings, VectorConnector } from '@morag/connectors-core';
import { VENDORS } from '@morag/servers-lab';
import { SDK_SIDES, type SdkSide } from './sdk-side.ts';

/** One vendor's real server, reached both ways. */
export interface Lab {
  readonly vendor: string;
  /** With its version, for the report. */
  readonly server: string;
  readonly settings: ServerSettings;
  readonly connector: VectorConnector;
  readonly sdk: SdkSide;
  /** A new collection: its own name and the vendor's. */
  collection(dimension: number): Promise<{ readonly name: string; readonly nativeName: string }>;
}

/** What `measure` finds on each vendor's server in turn, as it is found; MORAG_BENCH_VENDORS names some of them. */
export async function* onEachServer<T>(measure: (lab: Lab) => AsyncIterable<T>): AsyncGenerator<T> {
  const wanted = process.env.MORAG_BENCH_VENDORS?.split(',') ?? Object.keys(SDK_SIDES);
  for (const vendor of wanted) {
    const harness = await VENDORS[vendor]?.harness();
    const openSdk = await SDK_SIDES[vendor]?.();
    if (!harness || !openSdk) throw new Error(`There is no server of ${vendor} to be measured here.`);
    const { server, settings } = harness;
    const connector = harness.open();
    const sdk = await openSdk(settings);
    const collection = async (dimension: number) => {
      const name = `bench${randomUUID().replaceAll('-', '')}`;
      const { nativeName } = await connector.createCollection({ name, dimension, metric: 'cosine' });
      return { name, nativeName };
    };
    try {
      yield* measure({ vendor, server, settings, connector, sdk, collection });
    } finally {
      await Promise.all([connector.close(), sdk.close()]);
      await harness.stop();
    }
  }
}
