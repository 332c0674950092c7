/** The server under test, stores on disk, and the comparison of both. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { type Article, type Client, createClient } from "newsapi-client";
import { BODY_FIELDS, CARD_FIELDS, type Card } from "../src/articles.js";
import { type Filter, Store, type StoreOptions } from "../src/store.js";

export const baseUrl = process.env["API_URL"] ?? "";
export const api = createClient({ baseUrl, store: null });
const editor = createClient({ baseUrl, store: null, key: process.env["API_KEY"] });

/** Ask the test for what no client of the API can do: move the clock, save, restore, merge. */
export async function control(command: string): Promise<void> {
  const response = await fetch(`${baseUrl}/control/${command}`, { method: "POST" });
  assert.equal(response.status, 204, await response.text());
}

type Raw = InstanceType<typeof DatabaseSync>;
type Fields = Record<string, unknown>;
type Terms = "brands" | "sections" | "authors";

export async function publish(fields: Fields = {}): Promise<Article> {
  const body = { headline: "Titolo", body_html: "<p>Testo.</p>", status: "published", ...fields };
  const { data } = await editor.request("post", "/v1/articles", { body: body as never });
  return data as Article;
}

export async function change(id: string, fields: Fields): Promise<void> {
  const headers = { "If-Match": "*" };
  const body = fields as never;
  await editor.request("patch", "/v1/articles/{slug_or_id}", { path: { slug_or_id: id }, headers, body });
}

/** Withdraw an article. */
export async function recall(id: string, reason: "legal" | "rights" = "legal"): Promise<void> {
  const query = { reason, note: "Richiamo" } as never;
  const headers = { "If-Match": "*" };
  await editor.request("delete", "/v1/articles/{slug_or_id}", { path: { slug_or_id: id }, headers, query });
}

export async function addTerm(kind: Terms, slug: string, name: string): Promise<void> {
  await editor.request("post", `/v1/${kind}`, { body: { slug, name } } as never);
}

export async function changeTerm(kind: Terms, slug: string, fields: Fields): Promise<void> {
  const headers = { "If-Match": "*" };
  await editor.request("patch", `/v1/${kind}/{slug}`, { path: { slug }, headers, body: fields } as never);
}

/** Merge a term into another, with what the worker of a server does. */
export async function merge(kind: Terms, slug: string, into: string): Promise<void> {
  await editor.request("post", `/v1/${kind}/{slug}/merge`, { path: { slug }, body: { into } } as never);
  await control("merge");
}

export function newPath(): string {
  return join(mkdtempSync(join(tmpdir(), "store-")), "articles.db");
}

/** Open a store; `raw` is its database. */
export function open(
  path = newPath(),
  options: Partial<StoreOptions> = {},
): { store: Store; raw: Raw; path: string } {
  const raw = new DatabaseSync(path);
  return { store: new Store(raw, { api, ...options }), raw, path };
}

/** Return all articles of a store, page by page. */
export function listed(store: Store, query: { brand?: string; section?: string } = {}): Card[] {
  const articles: Card[] = [];
  let after: string | undefined;
  do {
    const page = store.list({ ...query, limit: 7, after });
    articles.push(...page.articles);
    after = page.next ?? undefined;
  } while (after);
  return articles;
}

async function published(client: Client, filter: Filter, fields: readonly string[]): Promise<Fields[]> {
  const articles: Fields[] = [];
  for await (const { rights: _, ...article } of client.articles({ ...filter, fields, limit: 100 } as never)) {
    articles.push(article as Fields);
  }
  return articles;
}

/** Require that a store shows exactly what the API shows: lists, bodies and digest. */
export async function assertEqualToApi(store: Store, raw: Raw, filter: Filter = {}): Promise<void> {
  const cards = listed(store);
  assert.deepEqual(cards, await published(api, filter, CARD_FIELDS));
  const bodies = cards.map(({ id, version }) => {
    const found = store.article(id);
    assert(found?.status === "stored");
    return { id, version, ...found.body };
  });
  assert.deepEqual(bodies, await published(api, filter, BODY_FIELDS));
  const { count, hash } = (await api.digest(filter)).data;
  assert.deepEqual({ count, hash }, digestOf(cards));
  raw.exec("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)");
}

function digestOf(articles: readonly Card[]): { count: number; hash: string } {
  const fingerprint = ({ id, version }: Card): bigint =>
    createHash("sha256").update(`${id}:${version}`).digest().readBigUInt64BE();
  const sum = articles.reduce((total, article) => BigInt.asUintN(64, total + fingerprint(article)), 0n);
  return { count: articles.length, hash: sum.toString(16).padStart(16, "0") };
}
