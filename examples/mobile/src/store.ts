/** An offline store of articles in SQLite: it mirrors a filter of the API and answers without a connection. */
import type { Client } from "newsapi-client";
import { type Body, type Card, type Names, readCard, type Removal, sortable } from "./articles.js";
import { type Database, type Row, Tables, type Value } from "./database.js";
import { type Filter, Synchronization, type SyncOptions, type SyncReport } from "./sync.js";

export type { Body, Card, Removal } from "./articles.js";
export { type Database, StorageFullError } from "./database.js";
export type { Filter, Progress, SyncOptions, SyncReport } from "./sync.js";

export interface StoreOptions {
  /** A client of the API. Create it with `store: null`: this store keeps what the responses contain. */
  api: Client;
  /** Which articles to store; all unless given. Another filter than before is applied by the next `sync`. */
  filter?: Filter | undefined;
  /** Total size of the stored bodies, 20 MB unless set. Those of the oldest articles are dropped first. */
  maxBodyBytes?: number | undefined;
  /** Changes per request, 1,000 unless set (1 to 1,000). */
  pageSize?: number | undefined;
}

export interface ListQuery {
  brand?: string | undefined;
  section?: string | undefined;
  /** Articles per page, 20 unless set. */
  limit?: number | undefined;
  /** `next` of the page before. */
  after?: string | undefined;
}

export interface Page {
  articles: Card[];
  /** Position of the next page; null if there is none. */
  next: string | null;
}

/** An article with its body (null if it is not on the device), or what became of it. */
export type Lookup = { status: "stored"; article: Card; body: Body | null } | ({ status: "removed" } & Removal);

const POSITION = /^\S+Z [0-9a-f-]{36}$/;
const IS_SHOWN = "(expires IS NULL OR expires > ?)";

export class Store {
  readonly #tables: Tables;
  readonly #options: StoreOptions;
  #names: Names | null = null;
  #running: Promise<SyncReport> | null = null;

  /** Open the store in a database, which belongs to it alone. */
  constructor(database: Database, options: StoreOptions) {
    this.#tables = new Tables(database);
    this.#options = options;
  }

  /**
   * Bring the store up to date with the API. It may end at any moment, by an error, an abort or the end of the process:
   * the next call continues after the last complete page. A call during another one returns the result of that one.
   *
   * @throws ProblemError if the API refuses, TypeError if it is not reached, StorageFullError if the device is full.
   */
  sync(options: SyncOptions = {}): Promise<SyncReport> {
    this.#running ??= this.#sync(options).finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #sync(options: SyncOptions): Promise<SyncReport> {
    const { api, filter = {}, maxBodyBytes = 20_000_000, pageSize = 1_000 } = this.#options;
    const onProgress: SyncOptions["onProgress"] = (progress) => {
      this.#names = null;
      options.onProgress?.(progress);
    };
    const limits = { maxBodyBytes, pageSize };
    return await new Synchronization(this.#tables, api, filter, limits, { ...options, onProgress }).run();
  }

  /** List articles, newest first. */
  list({ brand, section, limit = 20, after }: ListQuery = {}): Page {
    const conditions = [IS_SHOWN];
    const values: Value[] = [this.#now()];
    for (const [column, value] of Object.entries({ brand, section })) {
      if (value === undefined) continue;
      conditions.push(`${column} = ?`);
      values.push(value);
    }
    if (after !== undefined) {
      if (!POSITION.test(after)) throw new RangeError("after must be the `next` of a page");
      conditions.push("(published, id) < (?, ?)");
      values.push(...after.split(" "));
    }
    checkLimit(limit);
    const order = "ORDER BY published DESC, id DESC LIMIT ?";
    const rows = this.#tables.all(`SELECT * FROM article WHERE ${conditions.join(" AND ")} ${order}`, ...values, limit + 1);
    const last = rows.length > limit ? rows[limit - 1] : undefined;
    return {
      articles: this.#cards(rows.slice(0, limit)),
      next: last ? `${last["published"]} ${last["id"]}` : null,
    };
  }

  /** Return an article by slug or id; null if the store never had it. */
  article(slugOrId: string): Lookup | null {
    const [row] = this.#tables.all(
      `SELECT article.*, content FROM article LEFT JOIN body USING (row) WHERE (slug = ?1 OR id = ?1) AND ${IS_SHOWN}`,
      slugOrId,
      this.#now(),
    );
    const [article] = row ? this.#cards([row]) : [];
    if (row && article) {
      const body = row["content"];
      return { status: "stored", article, body: typeof body === "string" ? (JSON.parse(body) as Body) : null };
    }
    const find = "SELECT id, slug, reason, gone FROM removed WHERE slug = ?1 OR id = ?1 ORDER BY number DESC LIMIT 1";
    const [removed] = this.#tables.all(find, slugOrId);
    if (!removed) return null;
    const { id, slug, reason, gone } = removed as unknown as Removal & { gone: string | null };
    return { status: "removed", id, slug, reason, gone: gone && JSON.parse(gone) };
  }

  /** Find articles by the words of headline and standfirst, best first. The last word may be incomplete. */
  search(text: string, limit = 20): Card[] {
    checkLimit(limit);
    const words = text.match(/[\p{L}\p{N}]+/gu);
    if (!words) return [];
    const match = `${words.map((word) => `"${word}"`).join(" ")}*`;
    const rows = this.#tables.all(
      `SELECT article.* FROM words JOIN article ON article.row = words.rowid
       WHERE words MATCH ? AND ${IS_SHOWN} ORDER BY bm25(words, 3.0, 1.0), published DESC LIMIT ?`,
      match,
      this.#now(),
      limit,
    );
    return this.#cards(rows);
  }

  /** Return the numbers of articles and bodies, the size of the bodies, and the statements executed so far. */
  stats(): { articles: number; bodies: number; bodyBytes: number; statements: number } {
    const { statements } = this.#tables;
    const [counts] = this.#tables.all(
      `SELECT count(*) AS articles, count(body.row) AS bodies,
       coalesce(sum(CASE WHEN body.row THEN body_bytes END), 0) AS bodyBytes FROM article LEFT JOIN body USING (row)`,
    );
    return { ...(counts as { articles: number; bodies: number; bodyBytes: number }), statements };
  }

  close(): void {
    this.#tables.close();
  }

  #cards(rows: readonly Row[]): Card[] {
    this.#names ??= new Map(
      this.#tables
        .all("SELECT kind, slug, name FROM term")
        .map(({ kind, slug, name }) => [`${kind}:${slug}`, String(name)]),
    );
    const names = this.#names;
    return rows.map((row) => readCard(row, names));
  }

  /** Return the present time of the server, by its clock at the last synchronization: the device's may be wrong. */
  #now(): string {
    const [state] = this.#tables.all("SELECT server_time, clock_offset_ms FROM state");
    const now = new Date(Date.now() + Number(state?.["clock_offset_ms"] ?? 0)).toISOString();
    const known = String(state?.["server_time"] ?? "");
    return sortable(now > known ? now : known);
  }
}

function checkLimit(limit: number): void {
  if (!Number.isInteger(limit) || limit < 1) throw new RangeError("limit must be a positive integer");
}
