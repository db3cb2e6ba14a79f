import { randomUUID } from 'node:crypto';
import weaviate, { ApiKey, type Collection } from 'weaviate-client';
import type { OpenSdk } from './sdk-side.ts';

/** By `weaviate-client`, over gRPC. */
export const openWeaviate: OpenSdk = async ({ host, port, apiKey = '', config }) => {
  const client = await weaviate.connectToCustom({
    httpHost: host,
    httpPort: port,
    grpcHost: host,
    grpcPort: Number(config.grpcPort),
    authCredentials: new ApiKey(apiKey),
  });
  const collections = new Map<string, Collection>();
  const open = (name: string) => {
    const known = collections.get(name) ?? client.collections.use(name);
    collections.set(name, known);
    return known;
  };
  return {
    async query(name, vector, limit) {
      const returnProperties = ['_vk_id', '_vk_meta', '_vk_text'];
      const options = { limit, returnMetadata: ['distance'] as ['distance'], returnProperties };
      const { objects } = await open(name).query.nearVector([...vector], options);
      return objects.length;
    },
    async upsert(name, records) {
      const { hasErrors } = await open(name).data.insertMany(
        records.map(({ id, vector, metadata, document = '' }) => ({
          id: randomUUID(),
          vectors: [...vector],
          properties: { _vk_id: id, _vk_meta: JSON.stringify(metadata), _vk_text: document },
        })),
      );
      if (hasErrors) throw new Error('weaviate refused some objects');
    },
    close: () => client.close().then(() => undefined),
  };
};
