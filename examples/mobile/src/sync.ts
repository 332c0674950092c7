/** Bring a store up to date: changes, articles to read again, bodies. */
import { type Change, type Changes, type Client, type PartialArticle, ProblemError, type QueryOf } from "newsapi-client";
import type { ResponseInfo } from "newsapi-client";
import { BODY_FIELDS, CARD_FIELDS, type Removal, removeArticle, writeCard } from "./articles.js";
import { isStorageFull, StorageFullError, type Tables } from "./database.js";

type ChangesQuery = QueryOf<"listChanges">;
/** Which articles a store has. */
export type Filter = Pick<ChangesQuery, "brand" | "section" | "author" | "tag" | "format" | "language">;

export interface Progress {
  /** Changes that were applied, and bodies that were stored, by this `sync`. */
  changes: number;
  bodies: number;
  /** Published articles of the filter, at most 10,000; null unless the store is filled anew. */
  total: number | null;
  /** Articles that the last step removed: close their pages. */
  removed: readonly Removal[];
}

export interface SyncOptions {
  /** Ends the synchronization; what was stored stays, and the next one continues there. */
  signal?: AbortSignal | undefined;
  /** Called after each transaction. */
  onProgress?: ((progress: Progress) => void) | undefined;
}

export interface SyncReport extends Omit<Progress, "total"> {
  /** Articles that were read again because a slug of a brand, section or author changed. */
  reread: number;
  /** Whether the API no longer accepted the position, and all articles were read again. */
  restarted: boolean;
  /** Bodies that were dropped, oldest first, to stay within the limit or because the device is full. */
  dropped: number;
}

export interface Limits {
  /** Total size of the stored bodies. */
  maxBodyBytes: number;
  /** Changes per request. */
  pageSize: number;
}

interface State {
  cursor: string | null;
  run: number;
  isFullRun: boolean;
}

const TYPES = ["article", "author", "brand", "section"] as const;
const BATCH_SIZE = 50;
/** Few rows, so that the journal of the transaction that makes space is small. */
const DROP_BATCH_SIZE = 20;
/** The limit of bodies on a full device, as a share of what did not fit. */
const FULL_DEVICE_SHARE = 0.8;

const NEWEST_FIRST = `
SELECT article.id, article.version, body_bytes AS bytes, body.version AS stored
FROM article LEFT JOIN body USING (row) ORDER BY published DESC, article.id DESC`;
/** Each article with the size of its body and those of all newer articles. */
const TOTALS = `
SELECT row, id, published, SUM(COALESCE(body_bytes, 0)) OVER (ORDER BY published DESC, id DESC) AS total FROM article`;
const FITTING = `SELECT id FROM (${TOTALS}) WHERE total <= ? AND id IN (SELECT value FROM json_each(?))`;
const DROP_BEYOND = `
DELETE FROM body WHERE row IN (
  SELECT row FROM (${TOTALS}) JOIN body USING (row) WHERE total > ? ORDER BY published, id LIMIT ${DROP_BATCH_SIZE}
)`;
const STORED_BYTES = "SELECT COALESCE(SUM(body_bytes), 0) AS bytes FROM article JOIN body USING (row)";

interface NewBody {
  id: string;
  version: number;
  content: string;
  bytes: number;
}

/** One synchronization. */
export class Synchronization {
  readonly #tables: Tables;
  readonly #api: Client;
  readonly #filter: Filter;
  readonly #limits: Limits;
  readonly #options: SyncOptions;
  readonly #report: SyncReport = { changes: 0, bodies: 0, removed: [], reread: 0, restarted: false, dropped: 0 };
  #removed: Removal[] = [];
  #total: number | null = null;
  /** Size of the bodies that are to be stored by the present transaction. */
  #pendingBytes = 0;
  #info: ResponseInfo | null = null;

  constructor(tables: Tables, api: Client, filter: Filter, limits: Limits, options: SyncOptions) {
    this.#tables = tables;
    this.#filter = filter;
    this.#limits = { ...limits };
    this.#options = options;
    this.#api = api.with({ signal: options.signal, onResponse: (info) => (this.#info = info) });
  }

  async run(): Promise<SyncReport> {
    this.#openState();
    if (!this.#tables.all("SELECT 1 FROM article LIMIT 1").length) await this.#readNewest();
    try {
      await this.#readChanges();
    } catch (error) {
      const isPositionRefused =
        error instanceof ProblemError && ["cursor-expired", "cursor-invalid"].includes(error.code);
      if (!isPositionRefused || !this.#state().cursor) throw error;
      this.#startAgain();
      await this.#readChanges();
    }
    await this.#rereadStale();
    await this.#readBodies();
    return this.#report;
  }

  /** Start with all articles if the store is new or has another filter: articles outside of it are removed at the end. */
  #openState(): void {
    const filter = JSON.stringify(Object.entries(this.#filter).sort());
    this.#tables.transaction(() => {
      this.#tables.run(`INSERT OR IGNORE INTO state VALUES (1, ?, NULL, 1, 1, 0, '', 0)`, filter);
      const change = "UPDATE state SET filter = ?1, cursor = NULL, run = run + 1, is_full_run = 1 WHERE filter != ?1";
      this.#tables.run(change, filter);
    });
  }

  /**
   * Forget the position and read all articles again. What is stored stays readable; what is not published any more is
   * removed at the end. After a restore of the database, versions are given again, so bodies are read again too.
   */
  #startAgain(): void {
    this.#report.restarted = true;
    this.#commit(() => {
      this.#tables.run("UPDATE state SET cursor = NULL, run = run + 1, is_full_run = 1");
      this.#tables.run("UPDATE body SET version = 0");
    });
  }

  /** Fill an empty store with the newest articles: changes start with the oldest ones. */
  async #readNewest(): Promise<void> {
    const query = { ...this.#filter, fields: [...CARD_FIELDS], limit: BATCH_SIZE, total: true } as const;
    const page = await this.#api.articles(query).page();
    this.#total = page.page.total ?? null;
    this.#commit(() => this.#writeCards(page.data));
  }

  async #readChanges(): Promise<void> {
    const { cursor } = this.#state();
    const start: ChangesQuery = cursor ? { cursor } : { ...this.#filter, types: [...TYPES] };
    const query: ChangesQuery = { ...start, fields: [...CARD_FIELDS], limit: this.#limits.pageSize };
    for await (const page of this.#api.changes(query).pages()) this.#commit(() => this.#applyPage(page));
  }

  /** Apply a page and its cursor; they are one transaction. */
  #applyPage(page: Changes): void {
    const { run, isFullRun } = this.#state();
    for (const change of page.data) {
      if (change.type !== "article") this.#applyTerm(change, run);
      else if (change.article) writeCard(this.#tables, change.article, this.#seq, run);
      else this.#remove({ id: change.id, slug: change.slug, reason: change.reason, gone: change.gone });
    }
    if (!page.has_more) {
      if (isFullRun) this.#removeAbsent(run);
      this.#markDangling();
    }
    const update = "UPDATE state SET cursor = ?, is_full_run = is_full_run AND ?, server_time = ?, clock_offset_ms = ?";
    const date = this.#info?.headers.get("date");
    const serverTime = date ? Date.parse(date) : Date.now();
    const time = new Date(serverTime).toISOString();
    this.#tables.run(update, page.cursor, Number(page.has_more), time, serverTime - Date.now());
    this.#report.changes += page.data.length;
  }

  /** Store the name of a term. If its slug changed, articles that may have the old one have to be read again. */
  #applyTerm({ type, id, seq, slug, previous_slug, name }: Change, run: number): void {
    const [stored] = this.#tables.all("SELECT slug FROM term WHERE kind = ? AND id = ?", type, id);
    const former = String(stored?.["slug"] ?? previous_slug ?? slug);
    this.#tables.run("DELETE FROM term WHERE kind = ? AND (id = ? OR slug = ?)", type, id, slug);
    if (name) this.#tables.run("INSERT INTO term VALUES (?, ?, ?, ?, ?)", type, id, slug, name.name, run);
    if (former === slug && previous_slug === null) return;
    const has =
      type === "author"
        ? `EXISTS (SELECT 1 FROM json_each(card, '$.authors') WHERE json_extract(value, '$.slug') IN (?, ?))`
        : `${type} IN (?, ?)`;
    this.#tables.run(`UPDATE article SET is_stale = 1 WHERE as_of_seq < ? AND ${has}`, seq, former, slug);
    this.#tables.run("UPDATE state SET renamed_seq = max(renamed_seq, ?)", seq);
  }

  /** Mark articles with a slug that a term had between two pages: no event names it. */
  #markDangling(): void {
    const unknown = (kind: string): string =>
      `(${kind} IS NOT NULL AND ${kind} NOT IN (SELECT slug FROM term WHERE kind = '${kind}'))`;
    this.#tables.run(
      `UPDATE article SET is_stale = 1 WHERE as_of_seq < (SELECT renamed_seq FROM state)
       AND (${unknown("brand")} OR ${unknown("section")} OR EXISTS (
         SELECT 1 FROM json_each(card, '$.authors')
         WHERE json_extract(value, '$.slug') NOT IN (SELECT slug FROM term WHERE kind = 'author')))`,
    );
  }

  /** Remove what a complete reading did not mention. */
  #removeAbsent(run: number): void {
    for (const { id, slug } of this.#tables.all("SELECT id, slug FROM article WHERE run < ?", run)) {
      this.#remove({ id: String(id), slug: String(slug), reason: "absent", gone: null });
    }
    this.#tables.run("DELETE FROM term WHERE run < ?", run);
  }

  async #rereadStale(): Promise<void> {
    for (;;) {
      const rows = this.#tables.all(`SELECT id FROM article WHERE is_stale ORDER BY id LIMIT ${BATCH_SIZE}`);
      if (!rows.length) return;
      const ids = rows.map(({ id }) => String(id));
      const { data } = await this.#api.articles({ id: ids, fields: [...CARD_FIELDS], limit: BATCH_SIZE }).page();
      this.#commit(() => {
        // An article that is not in the response was removed meanwhile: the next synchronization removes it here.
        for (const id of ids) this.#tables.run("UPDATE article SET is_stale = 0 WHERE id = ?", id);
        this.#writeCards(data);
      });
      this.#report.reread += data.length;
    }
  }

  /** Read bodies that are missing or outdated, newest articles first, up to the limit. */
  async #readBodies(): Promise<void> {
    this.#dropBeyondLimit();
    let total = 0;
    let ids: string[] = [];
    for (const row of this.#tables.all(NEWEST_FIRST)) {
      total += Number(row["bytes"] ?? 0);
      if (total > this.#limits.maxBodyBytes) break;
      if (Number(row["stored"] ?? -1) < Number(row["version"])) ids.push(String(row["id"]));
      if (ids.length < BATCH_SIZE) continue;
      if (!(await this.#readBatch(ids))) return;
      ids = [];
    }
    if (ids.length) await this.#readBatch(ids);
  }

  /** Read the bodies of articles and store those within the limit. Return whether all are. */
  async #readBatch(ids: readonly string[]): Promise<boolean> {
    const { data } = await this.#api.articles({ id: [...ids], fields: [...BODY_FIELDS], limit: BATCH_SIZE }).page();
    const bodies = data.map(toBody);
    let fitting = new Set<unknown>();
    this.#pendingBytes = bodies.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#commit(() => {
      for (const { id, bytes } of bodies) this.#tables.run("UPDATE article SET body_bytes = ? WHERE id = ?", bytes, id);
      const rows = this.#tables.all(FITTING, this.#limits.maxBodyBytes, JSON.stringify(ids));
      fitting = new Set(rows.map(({ id }) => id));
      for (const { id, version, content } of bodies) {
        if (!fitting.has(id)) continue;
        const store = "INSERT OR REPLACE INTO body SELECT row, ?, ? FROM article WHERE id = ?";
        this.#report.bodies += this.#tables.run(store, version, content, id);
      }
    });
    this.#pendingBytes = 0;
    this.#dropBeyondLimit();
    return bodies.every(({ id }) => fitting.has(id));
  }

  /** Drop the bodies of the oldest articles, a few in each transaction, until the others fit the limit. */
  #dropBeyondLimit(): void {
    if (this.#storedBytes() <= this.#limits.maxBodyBytes) return;
    for (;;) {
      const dropped = this.#tables.transaction(() => this.#tables.run(DROP_BEYOND, this.#limits.maxBodyBytes));
      if (!dropped) return;
      this.#report.dropped += dropped;
    }
  }

  #storedBytes(): number {
    return Number(this.#tables.all(STORED_BYTES)[0]?.["bytes"]);
  }

  #writeCards(articles: readonly PartialArticle[]): void {
    for (const article of articles) writeCard(this.#tables, article, this.#seq, this.#state().run);
  }

  #remove(removal: Removal): void {
    const removed = removeArticle(this.#tables, removal);
    if (removed) this.#removed.push(removed);
  }

  /** Do all of this or nothing, and report it. If the device is full, drop the oldest bodies first. */
  #commit(work: () => void): void {
    const { changes, bodies } = this.#report;
    for (;;) {
      this.#removed = [];
      try {
        this.#tables.transaction(work);
        break;
      } catch (error) {
        Object.assign(this.#report, { changes, bodies });
        if (!isStorageFull(error)) throw error;
        this.#makeSpace(error);
      }
    }
    const removed = this.#removed;
    this.#report.removed = [...this.#report.removed, ...removed];
    const { changes: allChanges, bodies: allBodies } = this.#report;
    this.#options.onProgress?.({ changes: allChanges, bodies: allBodies, removed, total: this.#total });
    this.#options.signal?.throwIfAborted();
  }

  /** Lower the limit of this synchronization, and drop the oldest bodies. */
  #makeSpace(cause: unknown): void {
    const inUse = Math.min(this.#limits.maxBodyBytes, this.#storedBytes() + this.#pendingBytes);
    this.#limits.maxBodyBytes = Math.floor(inUse * FULL_DEVICE_SHARE);
    try {
      if (!inUse) throw cause;
      this.#dropBeyondLimit();
    } catch (error) {
      if (!isStorageFull(error)) throw error;
      throw new StorageFullError("The device has no space left for articles", { cause: error });
    }
  }

  #state(): State {
    const [row] = this.#tables.all("SELECT cursor, run, is_full_run FROM state");
    const cursor = row?.["cursor"];
    return {
      cursor: typeof cursor === "string" ? cursor : null,
      run: Number(row?.["run"]),
      isFullRun: row?.["is_full_run"] === 1,
    };
  }

  /** The change that the last response reflects. */
  get #seq(): number {
    return this.#info?.seq ?? 0;
  }
}

function toBody({ id, version = 0, ...body }: PartialArticle): NewBody {
  const content = JSON.stringify(body);
  return { id, version, content, bytes: new TextEncoder().encode(content).length };
}
