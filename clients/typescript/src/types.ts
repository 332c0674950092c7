/** Types of requests and responses, derived from the generated `schema.ts`. */
import type { components, operations, paths } from "./schema.js";

type Schemas = components["schemas"];

export type Article = Schemas["ArticleWithRelated"];
export type ArticleSummary = Schemas["ArticleSummary"];
/** An article of which only the fields named in `fields` are present. */
export type PartialArticle = Schemas["PartialArticle"];
/** An article of a list with `profile: "card"`. */
export type ArticleCard = Schemas["ArticleCard"];
export type ArticleList = Schemas["ArticleList"];
export type CardList = Schemas["CardList"];
export type PartialArticleList = Schemas["PartialArticleList"];
export type RelatedArticle = Schemas["RelatedArticle"];
export type Block = Schemas["Block"];
export type Image = Schemas["Image"];
export type Brand = Schemas["BrandWithArticles"];
export type Author = Schemas["AuthorWithArticles"];
export type Section = Schemas["SectionWithArticles"];
export type Tag = Schemas["TagWithArticles"];
export type BrandList = Schemas["BrandList"];
export type AuthorList = Schemas["AuthorList"];
export type SectionList = Schemas["SectionList"];
export type TagList = Schemas["TagList"];
export type SearchHit = Schemas["SearchHit"];
export type SearchList = Schemas["SearchList"];
export type Suggestion = Schemas["Suggestion"];
export type Change = Schemas["Change"];
export type Changes = Schemas["Changes"];
export type Digest = Schemas["Digest"];
export type Subscriber = Schemas["Subscriber"];
export type SubscriberExport = Schemas["SubscriberExport"];
export type SubscriptionInput = Loose<Schemas["SubscriptionInput"]>;
export type PreferencesInput = Schemas["PreferencesInput"];
export type Withdrawal = Schemas["Withdrawal"];
export type FieldError = Schemas["FieldError"];

export type Method = "get" | "post" | "put" | "patch" | "delete";

/** The paths of the API that support a method. */
export type PathOf<M extends Method> = {
  [P in keyof paths]: paths[P] extends { [K in M]: object } ? P : never;
}[keyof paths];

type OperationOf<M extends Method, P extends keyof paths> = paths[P] extends { [K in M]: infer O } ? O : never;

/** Optional members may be undefined, and a list may be given as its only value. */
export type Loose<T> = {
  [K in keyof T]: T[K] | Single<NonNullable<T[K]>> | (undefined extends T[K] ? undefined : never);
};
type Single<T> = T extends readonly (infer Item)[] ? Item | readonly Item[] : never;

type ParametersIn<O, Place extends string> = O extends { parameters: { [K in Place]?: infer T } }
  ? NonNullable<T>
  : never;

/** The query parameters of an operation. */
export type QueryOf<Name extends keyof operations> = Loose<ParametersIn<operations[Name], "query">>;

type Content<T> = T extends { content: infer C } ? C[keyof C] : undefined;
type SuccessOf<O> = O extends { responses: infer R } ? Content<R[keyof R & (200 | 201 | 202 | 204)]> : never;
/** JSON as an object; files as what `fetch` takes, with their `Content-Type` in `headers`. */
type Sendable<T> = T extends object ? T : BodyInit;
type BodyOf<O> = O extends { requestBody: infer B } ? { body: Sendable<Content<B>> } : { body?: never };

type MaybeRequired<Name extends string, T> = [T] extends [never]
  ? { [K in Name]?: never }
  : Record<string, never> extends T
    ? { [K in Name]?: T | undefined }
    : { [K in Name]: T };

/** What a call of `request` takes beside method and path. */
export type RequestOf<M extends Method, P extends keyof paths> = CallOptions &
  MaybeRequired<"path", ParametersIn<OperationOf<M, P>, "path">> &
  MaybeRequired<"query", Loose<ParametersIn<OperationOf<M, P>, "query">>> &
  BodyOf<OperationOf<M, P>>;

/** The options of `request`: they may be left out if nothing in them is required. */
export type RequestArguments<M extends Method, P extends keyof paths> =
  Record<string, never> extends RequestOf<M, P> ? [options?: RequestOf<M, P>] : [options: RequestOf<M, P>];

/** The body of the successful response. */
export type ResultOf<M extends Method, P extends keyof paths> = SuccessOf<OperationOf<M, P>>;

/** What a response says beside its body. */
export interface ResponseInfo {
  /** The status; 200 if a 304 confirmed the stored copy. */
  readonly status: number;
  /** The URL of the request. */
  readonly url: string;
  readonly headers: Headers;
  /** The surrogate keys: cached copies are invalid when an event names one of them. */
  readonly tags: readonly string[];
  /** The number of the change that the response reflects (`Content-Seq`); null if it names none. */
  readonly seq: number | null;
  /** Whether a 304 confirmed the stored copy. */
  readonly isRevalidated: boolean;
}

/** Options of every call; those of the client are the defaults. */
export interface CallOptions {
  /** Aborts the call, its retries and its waits. */
  signal?: AbortSignal | undefined;
  /** Maximum time of one attempt in milliseconds, 10,000 unless set; `wait` of `changes` is added. */
  timeoutMs?: number | undefined;
  /** No new attempt starts later than this after the call, in milliseconds; 15,000 unless set, 0 for none. */
  maxWaitMs?: number | undefined;
  /** Reads return nothing older than this change. It replaces the number that the client has learned. */
  minSeq?: number | undefined;
  headers?: Readonly<Record<string, string>> | undefined;
  /** Receives status, headers and surrogate keys of every response, errors included, beside that of the client. */
  onResponse?: ((info: ResponseInfo) => void) | undefined;
  /** Further options of `fetch`, such as `next` of Next.js. */
  fetchOptions?: RequestInit | undefined;
}
