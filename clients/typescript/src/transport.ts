/** One call over fetch: URL, conditional request, retries, timeouts and problems. */
import { ProblemError, parseRetryAfter } from "./problem.js";
import type { ResponseStore } from "./store.js";
import type { CallOptions, ResponseInfo } from "./types.js";

type Parameters = Readonly<Record<string, unknown>>;

export interface Call extends CallOptions {
  method: string;
  /** The path as in the OpenAPI document, such as `/v1/brands/{slug}`. */
  template: string;
  path?: Parameters | undefined;
  query?: Parameters | undefined;
  body?: unknown;
}

/** What all calls of a client share, and the clients that are derived from it. */
export interface Connection {
  readonly baseUrl: string;
  readonly key: string | undefined;
  readonly fetch: typeof globalThis.fetch;
  readonly store: ResponseStore | null;
  /** The highest change that the client has learned of. */
  seq: number;
}

export interface Result {
  body: unknown;
  info: ResponseInfo;
}

/** The reads that take `min_seq` and show what is public. */
const READS =
  /^\/v1\/((articles|brands|authors|sections|tags)(\/\{\w+\}(\/(related|jsonld))?)?|search|suggest|changes|digest|feeds\/.+)$|^\/sitemap/;

const REPEATABLE_STATUSES = [429, 502, 503, 504];
const FIRST_BACKOFF_MS = 250;
const MAX_BACKOFFS = 3;

/** Send a call, and repeat a read that failed for the moment, within `maxWaitMs`. */
export async function send(connection: Connection, call: Call): Promise<Result> {
  // The time of day would make a component of Next.js that reads outside of a cache an error.
  const end = performance.now() + (call.maxWaitMs ?? 15_000);
  for (let attempt = 0; ; attempt++) {
    try {
      return await sendOnce(connection, call);
    } catch (error) {
      const wait = call.method === "get" ? retryDelay(error, attempt) : null;
      if (wait === null || performance.now() + wait > end) throw error;
      await sleep(wait, call.signal);
    }
  }
}

/** Return the milliseconds to wait before another attempt; null if there is to be none. */
function retryDelay(error: unknown, attempt: number): number | null {
  const backoff = attempt < MAX_BACKOFFS ? FIRST_BACKOFF_MS * 2 ** attempt * (0.5 + Math.random()) : null;
  if (error instanceof TypeError) return backoff; // fetch got no response
  if (!(error instanceof ProblemError) || !REPEATABLE_STATUSES.includes(error.status)) return null;
  return error.retryAfter === null ? backoff : error.retryAfter * 1000 + Math.random() * FIRST_BACKOFF_MS;
}

/** Wait; reject with the reason of the signal when it aborts. */
export async function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(done, milliseconds);
    function done(): void {
      signal?.removeEventListener("abort", abort);
      resolve();
    }
    function abort(): void {
      clearTimeout(timer);
      reject(signal?.reason);
    }
    signal?.addEventListener("abort", abort, { once: true });
  });
}

async function sendOnce(connection: Connection, call: Call): Promise<Result> {
  const { method, template, query = {} } = call;
  const url = buildUrl(connection.baseUrl, template, call.path ?? {}, query);
  const isRead = method === "get";
  const store = isRead && !connection.key && !query["preview"] && !query["wait"] ? connection.store : null;
  const stored = await store?.get(url.href);
  const storeKey = url.href;
  const minSeq = query["min_seq"] ?? (isRead && READS.test(template) ? (call.minSeq ?? connection.seq) : 0);
  if (minSeq) url.searchParams.set("min_seq", String(minSeq));

  const headers = new Headers(call.fetchOptions?.headers);
  if (connection.key) headers.set("authorization", `Bearer ${connection.key}`);
  if (stored) headers.set("if-none-match", stored.etag);
  const { body } = call;
  if (isPlain(body)) {
    headers.set("content-type", method === "patch" ? "application/merge-patch+json" : "application/json");
  }
  for (const [name, value] of Object.entries(call.headers ?? {})) headers.set(name, value);

  const timeout = AbortSignal.timeout((call.timeoutMs ?? 10_000) + Number(query["wait"] ?? 0) * 1000);
  const response = await connection.fetch(url, {
    ...call.fetchOptions,
    method: method.toUpperCase(),
    headers,
    ...(body === undefined ? {} : { body: isPlain(body) ? JSON.stringify(body) : (body as BodyInit) }),
    signal: call.signal ? AbortSignal.any([call.signal, timeout]) : timeout,
  });

  const confirmed = response.status === 304 ? stored : undefined;
  const text = confirmed ? confirmed.body : await response.text();
  let tags = response.headers.get("surrogate-key") ?? confirmed?.tags ?? "";
  if (response.redirected) tags += ` ${redirectTag(call)}`;
  const seq = response.headers.get("content-seq");
  const info: ResponseInfo = {
    status: confirmed ? 200 : response.status,
    url: url.href,
    headers: response.headers,
    tags: tags.split(" ").filter(Boolean),
    seq: seq === null ? null : Number(seq),
    isRevalidated: Boolean(confirmed),
  };
  call.onResponse?.(info);
  if (info.status >= 400 || info.status === 304) throw new ProblemError(info.status, response.headers, text);
  if (!isRead && info.seq) connection.seq = Math.max(connection.seq, info.seq);

  const etag = response.headers.get("etag");
  if (store && !confirmed && etag && !/no-store/.test(response.headers.get("cache-control") ?? "")) {
    await store.set(storeKey, { etag, body: text, tags });
  }
  return { body: parseBody(text, response.headers, confirmed !== undefined), info };
}

/** Return the surrogate key of the former slug that redirected: it changes when another resource takes the slug. */
function redirectTag({ template, path = {} }: Call): string {
  const kind = template.split("/")[2] ?? "";
  return kind === "articles" ? `slug:${path["slug_or_id"]}` : `${kind.slice(0, -1)}:${path["slug"]}`;
}

function parseBody(text: string, headers: Headers, isConfirmed: boolean): unknown {
  if (!text) return undefined;
  const type = headers.get("content-type");
  const isJson = type === null ? isConfirmed && /^[[{]/.test(text) : /[/+]json\b/.test(type);
  return isJson ? JSON.parse(text) : text;
}

function isPlain(body: unknown): boolean {
  return Array.isArray(body) || (body !== null && typeof body === "object" && body.constructor === Object);
}

function buildUrl(baseUrl: string, template: string, path: Parameters, query: Parameters): URL {
  const filled = template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(path[name])));
  const url = new URL(baseUrl.replace(/\/+$/, "") + filled);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && name !== "min_seq") url.searchParams.set(name, String(value));
  }
  return url;
}

/** Return the milliseconds that a successful response asks to wait before the next one. */
export function pauseOf(info: ResponseInfo): number {
  return (parseRetryAfter(info.headers) ?? 0) * 1000;
}
