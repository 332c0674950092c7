/** The SQLite database of a store: what is required of a driver, the tables, and transactions. */

export type Value = string | number | null;
export type Row = Record<string, unknown>;

export interface Statement {
  run(...values: Value[]): { changes: number | bigint };
  all(...values: Value[]): unknown[];
}

/** What the store needs of a SQLite driver. `DatabaseSync` of node:sqlite and drivers with its interface fit. */
export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

/** The device has no space left. What was stored before is complete; the next `sync` continues there. */
export class StorageFullError extends Error {
  override readonly name = "StorageFullError";
}

const SCHEMA_VERSION = 1;

/** `published` and `expires` have six decimals, so that they sort as text. `card` has the other fields as JSON. */
const TABLES = `
CREATE TABLE state (
  one INTEGER PRIMARY KEY CHECK (one = 1), filter TEXT NOT NULL, cursor TEXT, run INTEGER NOT NULL,
  is_full_run INTEGER NOT NULL, renamed_seq INTEGER NOT NULL, server_time TEXT NOT NULL, clock_offset_ms INTEGER NOT NULL
);
CREATE TABLE article (
  row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, version INTEGER NOT NULL, slug TEXT NOT NULL,
  published TEXT NOT NULL, expires TEXT, brand TEXT, section TEXT, headline TEXT NOT NULL, standfirst TEXT,
  card TEXT NOT NULL, as_of_seq INTEGER NOT NULL, run INTEGER NOT NULL, is_stale INTEGER NOT NULL, body_bytes INTEGER
);
CREATE INDEX article_slug ON article (slug);
CREATE INDEX article_newest ON article (published, id);
CREATE INDEX article_brand ON article (brand, published, id);
CREATE INDEX article_section ON article (section, published, id);
CREATE INDEX article_stale ON article (id) WHERE is_stale;
CREATE TABLE body (row INTEGER PRIMARY KEY, version INTEGER NOT NULL, content TEXT NOT NULL);
CREATE TABLE term (
  kind TEXT NOT NULL, id TEXT NOT NULL, slug TEXT NOT NULL, name TEXT NOT NULL, run INTEGER NOT NULL,
  PRIMARY KEY (kind, id)
);
CREATE TABLE removed (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, slug TEXT NOT NULL, reason TEXT NOT NULL, gone TEXT
);
CREATE VIRTUAL TABLE words USING fts5(
  headline, standfirst, content='article', content_rowid='row', tokenize='unicode61 remove_diacritics 2', prefix='2 3'
);
INSERT INTO words (words, rank) VALUES ('secure-delete', 1);
CREATE TRIGGER article_added AFTER INSERT ON article BEGIN
  INSERT INTO words (rowid, headline, standfirst) VALUES (new.row, new.headline, new.standfirst);
END;
CREATE TRIGGER article_changed AFTER UPDATE OF headline, standfirst ON article BEGIN
  INSERT INTO words (words, rowid, headline, standfirst) VALUES ('delete', old.row, old.headline, old.standfirst);
  INSERT INTO words (rowid, headline, standfirst) VALUES (new.row, new.headline, new.standfirst);
END;
CREATE TRIGGER article_deleted AFTER DELETE ON article BEGIN
  INSERT INTO words (words, rowid, headline, standfirst) VALUES ('delete', old.row, old.headline, old.standfirst);
  DELETE FROM body WHERE row = old.row;
END;
`;

/** The tables of a store, and its statements, each prepared once. */
export class Tables {
  readonly #database: Database;
  readonly #statements = new Map<string, Statement>();
  /** Statements executed, for measurements. */
  statements = 0;

  /** Create the tables if there are none; replace those of another version, whose content is synchronized anew. */
  constructor(database: Database) {
    this.#database = database;
    // Deleted content is overwritten in the file. The rollback journal, unlike a write-ahead log, keeps no copy of it.
    database.exec("PRAGMA secure_delete = ON; PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL");
    if (this.all("PRAGMA user_version")[0]?.["user_version"] === SCHEMA_VERSION) return;
    this.transaction(() => {
      const owned = "SELECT type, name FROM sqlite_master WHERE type IN ('table') AND name NOT LIKE 'sqlite_%'";
      for (const { name } of this.all(`${owned} AND name NOT LIKE 'words_%' ORDER BY name DESC`)) {
        database.exec(`DROP TABLE "${name}"`);
      }
      database.exec(`${TABLES} PRAGMA user_version = ${SCHEMA_VERSION}`);
    });
  }

  run(sql: string, ...values: Value[]): number {
    return Number(this.#prepared(sql).run(...values).changes);
  }

  all(sql: string, ...values: Value[]): Row[] {
    return this.#prepared(sql).all(...values) as Row[];
  }

  /** Do all of this or nothing. */
  transaction<T>(work: () => T): T {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.#database.exec("COMMIT");
      return result;
    } catch (error) {
      try {
        this.#database.exec("ROLLBACK");
      } catch {
        // SQLite has rolled back already, as it does when the disk is full
      }
      throw error;
    }
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  #prepared(sql: string): Statement {
    this.statements += 1;
    const statement = this.#statements.get(sql) ?? this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

/** Return whether SQLite reports that there is no space left (SQLITE_FULL). */
export function isStorageFull(error: unknown): boolean {
  return error instanceof Error && /database or disk is full/.test(error.message);
}
