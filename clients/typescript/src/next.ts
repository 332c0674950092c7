/** Cache tags of Next.js: pass the functions of `next/cache`. */
import type { Client } from "./client.js";
import { createTagCollector } from "./tags.js";
import { createRevalidateHandler, type RevalidateOptions } from "./webhooks.js";

export { fitTags } from "./tags.js";

/**
 * Load what a cached function or component shows, and tag its entry with the surrogate keys of all responses. Call it
 * once in each scope of `"use cache"`: the limit of tags holds for a scope.
 *
 * @param cacheTag - `cacheTag` of `next/cache`.
 * @param load - Reads with the client that it receives.
 */
export async function tagged<T>(
  client: Client,
  cacheTag: (...tags: string[]) => void,
  load: (client: Client) => Promise<T>,
): Promise<T> {
  const collector = createTagCollector();
  const result = await load(client.with({ onResponse: collector.onResponse }));
  cacheTag(...collector.tags());
  return result;
}

export interface NextRevalidateOptions extends Omit<RevalidateOptions, "revalidate"> {
  /** `revalidateTag` of `next/cache`. */
  revalidateTag: (tag: string, profile: { expire?: number }) => unknown;
}

/** Return the `POST` of a route handler, which expires what an event invalidates at once. */
export function createRevalidateRoute({
  revalidateTag,
  ...options
}: NextRevalidateOptions): (request: Request) => Promise<Response> {
  return createRevalidateHandler({
    ...options,
    revalidate: (tags) => {
      for (const tag of tags) revalidateTag(tag, { expire: 0 });
    },
  });
}
