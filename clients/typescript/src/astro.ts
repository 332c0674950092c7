/** Cache hints and live content of Astro. */
import { type Client, orNull } from "./client.js";
import { createTagCollector } from "./tags.js";
import type { Article, ArticleSummary, QueryOf } from "./types.js";
import { createRevalidateHandler, type RevalidateOptions } from "./webhooks.js";

export { fitTags } from "./tags.js";

/** What Astro's `cache.set` takes. */
export interface CacheHint {
  tags: string[];
  lastModified?: Date;
}

/**
 * Load what a page shows, and return with it the hint for `Astro.cache.set`.
 *
 * @param load - Reads with the client that it receives.
 */
export async function withCacheHint<T>(
  client: Client,
  load: (client: Client) => Promise<T>,
): Promise<{ data: T; cacheHint: CacheHint }> {
  const collector = createTagCollector();
  const data = await load(client.with({ onResponse: collector.onResponse }));
  return { data, cacheHint: { tags: collector.tags() } };
}

/** An entry of a live collection. */
export interface ArticleEntry<T> {
  id: string;
  data: T;
  rendered?: { html: string };
  cacheHint?: CacheHint;
}

/** A live loader of Astro. The id of an entry is the slug of the article. */
export interface ArticleLoader {
  name: string;
  loadEntry(context: { filter: { id: string } }): Promise<ArticleEntry<Article> | undefined | { error: Error }>;
  loadCollection(context: {
    filter?: ArticleFilter | undefined;
  }): Promise<{ entries: ArticleEntry<ArticleSummary>[]; cacheHint: CacheHint } | { error: Error }>;
}

/** The filters of a live collection; `limit` is the number of articles, at most 100. */
export type ArticleFilter = Omit<QueryOf<"listArticles">, "fields">;

/** Return a loader for a live collection of articles. */
export function articleLoader(client: Client, defaults: ArticleFilter = {}): ArticleLoader {
  return {
    name: "newsapi-client",
    loadEntry: ({ filter }) =>
      settle(async () => {
        const { data, cacheHint } = await withCacheHint(client, (api) => orNull(api.article(filter.id)));
        if (!data) return undefined;
        const lastModified = new Date(data.updated_at);
        return {
          id: data.slug,
          data,
          ...(data.body_html === null ? {} : { rendered: { html: data.body_html } }),
          cacheHint: { ...cacheHint, lastModified },
        };
      }),
    loadCollection: ({ filter }) =>
      settle(async () => {
        const load = (api: Client) => api.articles({ ...defaults, ...filter }).page();
        const { data, cacheHint } = await withCacheHint(client, load);
        return { entries: data.data.map((article) => ({ id: article.slug, data: article })), cacheHint };
      }),
  };
}

/** Return the result, or the error as Astro expects it. */
async function settle<T>(load: () => Promise<T>): Promise<T | { error: Error }> {
  try {
    return await load();
  } catch (error) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }
}

/** What an endpoint of Astro receives. */
export interface RevalidateContext {
  request: Request;
  cache: { invalidate(options: { tags: string[] }): Promise<void> };
}

/** Return the `POST` of an endpoint, which invalidates the cached pages that an event names. */
export function createRevalidateRoute(
  options: Omit<RevalidateOptions, "revalidate">,
): (context: RevalidateContext) => Promise<Response> {
  const handle = createRevalidateHandler<RevalidateContext>({
    ...options,
    revalidate: (tags, { cache }) => cache.invalidate({ tags }),
  });
  return (context) => handle(context.request, context);
}
