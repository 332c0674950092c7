/** A response that can be confirmed by a 304. */
export interface StoredResponse {
  readonly etag: string;
  readonly body: string;
  readonly tags: string;
}

/** Keeps responses by URL. Methods may be asynchronous, for a store outside of the process. */
export interface ResponseStore {
  get(url: string): StoredResponse | undefined | Promise<StoredResponse | undefined>;
  set(url: string, response: StoredResponse): void | Promise<void>;
}

/**
 * Return a store in memory. The least recently used responses are dropped.
 *
 * @param maxCharacters - The total size of the stored bodies.
 */
export function createMemoryStore(maxCharacters = 8_000_000): ResponseStore {
  const responses = new Map<string, StoredResponse>();
  let size = 0;
  const remove = (url: string): void => {
    size -= responses.get(url)?.body.length ?? 0;
    responses.delete(url);
  };
  return {
    get(url) {
      const response = responses.get(url);
      if (response) {
        responses.delete(url);
        responses.set(url, response);
      }
      return response;
    },
    set(url, response) {
      remove(url);
      if (response.body.length > maxCharacters) return;
      responses.set(url, response);
      size += response.body.length;
      for (const oldest of responses.keys()) {
        if (size <= maxCharacters) break;
        remove(oldest);
      }
    },
  };
}
