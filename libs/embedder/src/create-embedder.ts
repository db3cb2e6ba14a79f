import type { Embedder } from './embedder.ts';
import { HttpEmbedder } from './http/http.embedder.ts';
import { ollamaProtocol, openAiProtocol } from './http/protocols.ts';
import type { Fetch } from './http/retrying-post.ts';
import { LocalEmbedder } from './local/local.embedder.ts';
import { BUILT_IN_MODEL_DIR } from './local/model-folder.ts';

/** Which embedder, from `MORAG_EMBEDDER` and its companions. */
export type EmbedderConfig =
  | { readonly provider: 'local' /** Default: the built-in model. */; readonly modelDir?: string }
  | {
      readonly provider: 'openai';
      /** Up to and including the version, `https://api.openai.com/v1`. */
      readonly url: string;
      readonly model: string;
      readonly apiKey?: string;
      readonly dimension: number;
    }
  | { readonly provider: 'ollama'; readonly url: string; readonly model: string; readonly dimension: number };

/** The embedder that the configuration names. Nothing is loaded or connected to before the first text. */
export function createEmbedder(config: EmbedderConfig, parts: { fetch?: Fetch } = {}): Embedder {
  const fetch: Fetch = parts.fetch ?? ((url, init) => globalThis.fetch(url, init));
  switch (config.provider) {
    case 'local':
      return new LocalEmbedder(config.modelDir ?? BUILT_IN_MODEL_DIR);
    case 'openai':
      return new HttpEmbedder(openAiProtocol(config), { ...config, fetch });
    case 'ollama':
      return new HttpEmbedder(ollamaProtocol(config), { ...config, fetch });
  }
}
