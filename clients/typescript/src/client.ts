import { ProblemError } from "./problem.js";
import type { paths } from "./schema.js";
import { createMemoryStore, type ResponseStore } from "./store.js";
import { type Call, type Connection, pauseOf, type Result, send, sleep } from "./transport.js";
import type {
  Article,
  ArticleCard,
  ArticleList,
  ArticleSummary,
  Author,
  AuthorList,
  Brand,
  BrandList,
  CallOptions,
  CardList,
  Change,
  Changes,
  Digest,
  Method,
  PartialArticle,
  PartialArticleList,
  PathOf,
  PreferencesInput,
  QueryOf,
  RelatedArticle,
  RequestArguments,
  ResponseInfo,
  ResultOf,
  SearchHit,
  SearchList,
  Section,
  SectionList,
  Subscriber,
  SubscriberExport,
  SubscriptionInput,
  Suggestion,
  Tag,
  TagList,
} from "./types.js";

export interface ClientOptions extends CallOptions {
  /** The address of the API, such as `https://api.example.com`. */
  baseUrl: string;
  /** An API key. Do not send one from a public site. */
  key?: string | undefined;
  /** A replacement for the global `fetch`. */
  fetch?: typeof globalThis.fetch | undefined;
  /**
   * Keeps responses for conditional requests; null for none. Unless set, a store in memory; in a browser none, because
   * its own cache revalidates, and without the preflight that a header of ours would cause.
   */
  store?: ResponseStore | null | undefined;
}

/** A list of the API. Iterate over its items or its pages; each iteration starts with the first page. */
export interface List<Item, Page> extends AsyncIterable<Item> {
  /** The pages, each with items, cursors and links. */
  pages(): AsyncIterable<Page>;
  /** Return the first page, or that of the `cursor` in the query. */
  page(): Promise<Page>;
}

type Query = Readonly<Record<string, unknown>>;
type Terms = "brands" | "authors" | "sections" | "tags";
type ArticleQuery = QueryOf<"listArticles">;
type WithFields<Q> = Q & { fields: NonNullable<unknown> };

/** Parameters that may stand beside a cursor; it contains the others. */
const BESIDE_CURSOR = ["limit", "fields", "include", "profile", "facets", "total", "preview", "wait", "min_seq"];

/** A client of the API. */
export class Client {
  readonly #connection: Connection;
  readonly #defaults: CallOptions;

  /** Use `createClient`. */
  constructor(connection: Connection, defaults: CallOptions) {
    this.#connection = connection;
    this.#defaults = defaults;
  }

  /** Return a client with other default options. It shares store and `minSeq` with this one. */
  with(options: CallOptions): Client {
    return new Client(this.#connection, this.#merge(options));
  }

  /** Return the options of a call: they replace the defaults, except for `onResponse`, of which all are called. */
  #merge<Options extends CallOptions>(options: Options): Options {
    const [first, second] = [this.#defaults.onResponse, options.onResponse];
    const both = (info: ResponseInfo): void => {
      first?.(info);
      second?.(info);
    };
    return { ...this.#defaults, ...options, onResponse: first && second ? both : (second ?? first) };
  }

  /** The highest change that the client has learned of; reads return nothing older. */
  get minSeq(): number {
    return this.#connection.seq;
  }

  /** Learn of a change from an event, so that reads return nothing older. Events may arrive in any order. */
  sawEvent(event: { data: object }): void {
    const { seq } = event.data as { seq?: unknown };
    if (typeof seq === "number") this.#connection.seq = Math.max(this.#connection.seq, seq);
  }

  /**
   * Send any request of the API and return the body of the response.
   *
   * @param path - The path as in the OpenAPI document, such as `/v1/brands/{slug}`.
   * @throws ProblemError if the API refuses.
   */
  async request<M extends Method, P extends PathOf<M> & keyof paths>(
    method: M,
    path: P,
    ...[options]: RequestArguments<M, P>
  ): Promise<ResultOf<M, P>> {
    const { body } = await this.#send({ ...options, method, template: path } as Call);
    return body as ResultOf<M, P>;
  }

  /** List articles, newest first unless `sort` is given. With `profile: "card"`, items have what a card shows. */
  articles(query: ArticleQuery & { profile: "card" }, options?: CallOptions): List<ArticleCard, CardList>;
  articles(query: WithFields<ArticleQuery>, options?: CallOptions): List<PartialArticle, PartialArticleList>;
  articles(query?: ArticleQuery, options?: CallOptions): List<ArticleSummary, ArticleList>;
  articles(query: ArticleQuery = {}, options?: CallOptions): List<unknown, { data: unknown[] }> {
    return this.#list("/v1/articles", query, options);
  }

  /** Return an article by slug, former slug or id. */
  article(
    slugOrId: string,
    query: WithFields<QueryOf<"getArticle">>,
    options?: CallOptions,
  ): Promise<PartialArticle>;
  article(slugOrId: string, query?: QueryOf<"getArticle">, options?: CallOptions): Promise<Article>;
  article(slugOrId: string, query?: QueryOf<"getArticle">, options?: CallOptions): Promise<unknown> {
    return this.#data("/v1/articles/{slug_or_id}", query, options, { slug_or_id: slugOrId });
  }

  /** Return the articles related to an article, best first. */
  related(slugOrId: string, query?: QueryOf<"listRelatedArticles">, options?: CallOptions): Promise<RelatedArticle[]> {
    return this.#data("/v1/articles/{slug_or_id}/related", query, options, { slug_or_id: slugOrId });
  }

  /** Return the schema.org object of an article. */
  async jsonld(slugOrId: string, options?: CallOptions): Promise<Record<string, unknown>> {
    const path = { slug_or_id: slugOrId };
    const { body } = await this.#get({ template: "/v1/articles/{slug_or_id}/jsonld", path }, options);
    return body as Record<string, unknown>;
  }

  /** Search articles. `page()` also has facets and a corrected query. */
  search(query: QueryOf<"searchArticles">, options?: CallOptions): List<SearchHit, SearchList> {
    return this.#list("/v1/search", query, options);
  }

  /** Return suggestions for the first letters of a query. */
  suggest(q: string, query?: Omit<QueryOf<"suggestTerms">, "q">, options?: CallOptions): Promise<Suggestion[]> {
    return this.#data("/v1/suggest", { ...query, q }, options);
  }

  brands(query?: QueryOf<"listBrands">, options?: CallOptions): List<BrandList["data"][number], BrandList> {
    return this.#list("/v1/brands", query, options);
  }
  brand(slug: string, query?: QueryOf<"getBrand">, options?: CallOptions): Promise<Brand> {
    return this.#term("brands", slug, query, options);
  }
  authors(query?: QueryOf<"listAuthors">, options?: CallOptions): List<AuthorList["data"][number], AuthorList> {
    return this.#list("/v1/authors", query, options);
  }
  author(slug: string, query?: QueryOf<"getAuthor">, options?: CallOptions): Promise<Author> {
    return this.#term("authors", slug, query, options);
  }
  sections(query?: QueryOf<"listSections">, options?: CallOptions): List<SectionList["data"][number], SectionList> {
    return this.#list("/v1/sections", query, options);
  }
  section(slug: string, query?: QueryOf<"getSection">, options?: CallOptions): Promise<Section> {
    return this.#term("sections", slug, query, options);
  }
  tags(query?: QueryOf<"listTags">, options?: CallOptions): List<TagList["data"][number], TagList> {
    return this.#list("/v1/tags", query, options);
  }
  tag(slug: string, query?: QueryOf<"getTag">, options?: CallOptions): Promise<Tag> {
    return this.#term("tags", slug, query, options);
  }

  /**
   * List changes in the order of `seq`, from `cursor`, from `since` or from the beginning. Without `wait` the iteration
   * ends with the last change; with it, it waits for the next ones until it is aborted.
   */
  changes(query: QueryOf<"listChanges"> = {}, options?: CallOptions): List<Change, Changes> {
    return this.#list("/v1/changes", query, options);
  }

  /** Return counts and hashes of a filter, to verify a mirror. */
  async digest(query?: QueryOf<"getDigest">, options?: CallOptions): Promise<Digest> {
    return (await this.#get({ template: "/v1/digest", query }, options)).body as Digest;
  }

  /** Subscribe a reader to a brand, author or section. The API sends a message that asks for confirmation. */
  async subscribe(
    terms: "brands" | "authors" | "sections",
    slug: string,
    input: SubscriptionInput,
    options?: CallOptions,
  ): Promise<void> {
    await this.#post(`/v1/${terms}/{slug}/subscriptions`, input, options, { slug });
  }

  /** Confirm a subscription with the token of the message (`confirm_…`). */
  async confirmSubscription(token: string, options?: CallOptions): Promise<void> {
    await this.#post("/v1/subscriptions/confirm", { token }, options);
  }

  /** End a subscription with the token of a message (`leave_…`). */
  async unsubscribe(token: string, options?: CallOptions): Promise<void> {
    await this.#post("/v1/subscriptions/unsubscribe", { token }, options);
  }

  /** Change what a reader receives, with the token of a message (`manage_…`). */
  async setPreferences(input: PreferencesInput, options?: CallOptions): Promise<Subscriber> {
    const body = await this.#post("/v1/subscriptions/preferences", input, options);
    return (body as { data: Subscriber }).data;
  }

  /** Return all data of a reader, with the token of a message (`manage_…`). */
  async exportSubscriber(token: string, options?: CallOptions): Promise<SubscriberExport> {
    const body = await this.#post("/v1/subscriptions/export", { token }, options);
    return (body as { data: SubscriberExport }).data;
  }

  /** Delete all data of a reader, with the token of a message (`manage_…`). */
  async eraseSubscriber(token: string, options?: CallOptions): Promise<void> {
    await this.#post("/v1/subscriptions/erase", { token }, options);
  }

  #send(call: Call): Promise<Result> {
    return send(this.#connection, this.#merge(call));
  }

  #get(call: Omit<Call, "method">, options: CallOptions | undefined): Promise<Result> {
    return this.#send({ ...options, ...call, method: "get" });
  }

  async #data<T>(template: string, query?: Query, options?: CallOptions, path?: Query): Promise<T> {
    const { body } = await this.#get({ template, query, path }, options);
    return (body as { data: T }).data;
  }

  #term<T>(terms: Terms, slug: string, query?: Query, options?: CallOptions): Promise<T> {
    return this.#data(`/v1/${terms}/{slug}`, query, options, { slug });
  }

  async #post(template: string, body: unknown, options?: CallOptions, path?: Query): Promise<unknown> {
    return (await this.#send({ ...options, method: "post", template, body, path })).body;
  }

  #list<Item, Page extends { data: Item[] }>(
    template: string,
    query: Query = {},
    options?: CallOptions,
  ): List<Item, Page> {
    const load = (position: Query): Promise<Result> => this.#get({ template, query: position }, options);
    const signal = options?.signal ?? this.#defaults.signal;
    async function* pages(): AsyncGenerator<Page> {
      let position = query;
      for (;;) {
        const { body, info } = await load(position);
        const { page, cursor, has_more } = body as {
          page?: { next: string | null };
          cursor?: string;
          has_more?: boolean;
        };
        yield body as Page;
        const next = page ? page.next : has_more || query["wait"] ? cursor : null;
        if (!next) return;
        position = { cursor: next };
        for (const name of BESIDE_CURSOR) if (name in query) position = { ...position, [name]: query[name] };
        const pause = pauseOf(info);
        if (pause) await sleep(pause, signal);
      }
    }
    return {
      pages,
      page: async () => (await load(query)).body as Page,
      async *[Symbol.asyncIterator]() {
        for await (const page of pages()) yield* page.data;
      },
    };
  }
}

/** Return a client of the API. */
export function createClient(options: ClientOptions): Client {
  const { baseUrl, key, fetch = globalThis.fetch, store, minSeq = 0, ...defaults } = options;
  const isBrowser = typeof document !== "undefined";
  return new Client(
    {
      baseUrl,
      key,
      fetch: (...call) => fetch(...call),
      store: store === undefined ? (isBrowser ? null : createMemoryStore()) : store,
      seq: minSeq,
    },
    defaults,
  );
}

/** Return the result of a read, or null if there is no such resource or it is no longer public. */
export async function orNull<T>(read: Promise<T>): Promise<T | null> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof ProblemError && (error.code === "not-found" || error.code === "gone")) return null;
    throw error;
  }
}
