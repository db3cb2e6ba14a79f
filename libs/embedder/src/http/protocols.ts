import type { HttpProtocol } from './http.embedder.ts';

/** OpenAI's embeddings API, which most providers and servers also speak. */
export function openAiProtocol(options: { model: string; apiKey?: string }): HttpProtocol {
  return {
    provider: 'openai',
    path: '/embeddings',
    headers: (): Record<string, string> =>
      options.apiKey === undefined ? {} : { authorization: `Bearer ${options.apiKey}` },
    request: (texts) => ({ model: options.model, input: texts, encoding_format: 'float' }),
    vectors(answer) {
      const data = listIn(answer, 'data');
      // The order of `data` is not promised; `index` is.
      return data
        ?.map((item) => item as { index?: number; embedding?: unknown } | null)
        .sort((a, b) => (a?.index ?? 0) - (b?.index ?? 0))
        .map((item) => item?.embedding);
    },
  };
}

/** Ollama's own API. */
export function ollamaProtocol(options: { model: string }): HttpProtocol {
  return {
    provider: 'ollama',
    path: '/api/embed',
    headers: () => ({}),
    request: (texts) => ({ model: options.model, input: texts }),
    vectors: (answer) => listIn(answer, 'embeddings'),
  };
}

function listIn(answer: unknown, field: string): unknown[] | undefined {
  const list = (answer as Record<string, unknown> | null)?.[field];
  return Array.isArray(list) ? list : undefined;
}
