/** Articles as they are requested and stored. */
import type { Article, PartialArticle } from "newsapi-client";
import type { Row, Tables, Value } from "./database.js";

/** What lists show of every article. Pictures are addresses: the HTTP cache of the device keeps the pictures. */
export const CARD_FIELDS = [
  "slug", "version", "url", "headline", "standfirst", "format", "language", "section", "brand", "authors", "image.url",
  "image.alt", "image.width", "image.height", "image.srcset", "published_at", "published_on", "published_precision",
  "updated_at", "rights.expires_at",
] as const; // prettier-ignore

/** What the page of an article shows beside its card. */
export const BODY_FIELDS = ["version", "body_html", "media", "corrections", "source", "reading_minutes"] as const;

type Picture = NonNullable<Article["image"]>;
export type Card = Pick<
  Article,
  | "id" | "slug" | "version" | "url" | "headline" | "standfirst" | "format" | "language" | "section" | "brand" | "authors"
  | "published_at" | "published_on" | "published_precision" | "updated_at"
> & { image: Pick<Picture, "url" | "alt" | "width" | "height" | "srcset"> | null }; // prettier-ignore
export type Body = Pick<Article, "body_html" | "media" | "corrections" | "source" | "reading_minutes">;

/** An article that was on the device and was removed from it. */
export interface Removal {
  id: string;
  slug: string;
  /** `withdrawn`, `unpublished`, `rights`, `out_of_scope`, or `absent`: not among the published articles any more. */
  reason: string;
  /** When and why it was taken down, and what replaces it; null if it left the filter or is absent. */
  gone: { at: string; action: string; reason: string | null; note: string | null; replaced_by: string | null } | null;
}

/** Names of brands, sections and authors by kind and slug. */
export type Names = ReadonlyMap<string, string>;

/** Return a time of the API with six decimals, so that times sort as text. */
export function sortable(time: string): string {
  const [seconds = "", decimals = ""] = time.slice(0, -1).split(".");
  return `${seconds}.${decimals.padEnd(6, "0")}Z`;
}

const UPSERT = `
INSERT INTO article
  (id, version, slug, published, expires, brand, section, headline, standfirst, card, as_of_seq, run, is_stale)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)
ON CONFLICT (id) DO UPDATE SET
  version = excluded.version, slug = excluded.slug, published = excluded.published, expires = excluded.expires,
  brand = excluded.brand, section = excluded.section, headline = excluded.headline, standfirst = excluded.standfirst,
  card = excluded.card, as_of_seq = excluded.as_of_seq, run = excluded.run, is_stale = 0,
  body_bytes = CASE WHEN version = excluded.version THEN body_bytes END`;

/** Store the card of an article as of a change. */
export function writeCard(tables: Tables, article: PartialArticle, asOfSeq: number, run: number): void {
  const { id, version, slug, headline, standfirst, rights, ...rest } = article as Card & Pick<Article, "rights">;
  const { brand, section, published_at } = rest;
  const expires = rights.expires_at ? sortable(rights.expires_at) : null;
  const times: Value[] = [sortable(published_at), expires];
  const terms: Value[] = [brand?.slug ?? null, section?.slug ?? null];
  const texts: Value[] = [headline, standfirst, JSON.stringify(rest)];
  tables.run(UPSERT, id, version, slug, ...times, ...terms, ...texts, asOfSeq, run);
  tables.run("DELETE FROM removed WHERE id = ?", id);
}

/** Return the card of a row, with the present names of brand, section and authors. */
export function readCard(row: Row, names: Names): Card {
  const { id, version, slug, headline, standfirst } = row as unknown as Card;
  const rest = JSON.parse(String(row["card"])) as Omit<Card, "id" | "version" | "slug" | "headline" | "standfirst">;
  const named = <T extends { slug: string; name: string } | null>(kind: string, term: T): T =>
    term && { ...term, name: names.get(`${kind}:${term.slug}`) ?? term.name };
  return {
    id,
    version,
    slug,
    headline,
    standfirst,
    ...rest,
    brand: named("brand", rest.brand),
    section: named("section", rest.section),
    authors: rest.authors.map((author) => named("author", author)),
  };
}

/** Keep the newest removals only, for links and pages that are still open. */
const MAX_REMOVED = 1_000;

/** Delete an article with its body and index entries. Return it if it was stored. */
export function removeArticle(tables: Tables, removal: Removal): Removal | null {
  if (!tables.run("DELETE FROM article WHERE id = ?", removal.id)) return null;
  const { id, slug, reason, gone } = removal;
  const insert = "INSERT OR REPLACE INTO removed (id, slug, reason, gone) VALUES (?, ?, ?, ?)";
  tables.run(insert, id, slug, reason, gone && JSON.stringify(gone));
  tables.run("DELETE FROM removed WHERE number <= (SELECT max(number) FROM removed) - ?", MAX_REMOVED);
  return removal;
}
