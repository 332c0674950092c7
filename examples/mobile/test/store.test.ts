/** What a store answers, and what a synchronization costs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Client, createClient, ProblemError } from "newsapi-client";
import { StorageFullError } from "../src/store.js";
import { addTerm, assertEqualToApi, baseUrl, change, changeTerm, listed, newPath, open, publish } from "./support.js";

let count = 0;

/** Create a brand, so that a test sees its own articles only. */
async function newBrand(): Promise<string> {
  const slug = `marca-${(count += 1)}`;
  await addTerm("brands", slug, `Marca ${count}`);
  return slug;
}

async function publishMany(number: number, fields: Record<string, unknown>): Promise<string[]> {
  const ids: string[] = [];
  for (let index = 0; index < number; index++) {
    ids.push((await publish({ headline: `Titolo ${index}`, ...fields })).id);
  }
  return ids;
}

/** Return a client that records the URLs of its requests. */
function recordingClient(): { urls: string[]; client: Client } {
  const urls: string[] = [];
  const recordingFetch: typeof fetch = async (url, options) => {
    urls.push(String(url));
    return await fetch(url, options);
  };
  return { urls, client: createClient({ baseUrl, store: null, fetch: recordingFetch }) };
}

test("lists are paged, newest first, by brand and section", async () => {
  const brand = await newBrand();
  await addTerm("sections", "prove", "Prove");
  await publishMany(9, { brand });
  await publishMany(3, { brand, section: "prove" });
  const { store, raw } = open(newPath(), { filter: { brand }, pageSize: 4 });
  await store.sync();
  assert.equal(listed(store).length, 12);
  await assertEqualToApi(store, raw, { brand });
  assert.equal(listed(store, { section: "prove" }).length, 3);
  assert.equal(listed(store, { brand, section: "prove" }).length, 3);
  assert.deepEqual(listed(store, { brand: "altra" }), []);
});

test("articles are found by slug, by id and by words without accents", async () => {
  const brand = await newBrand();
  const article = await publish({ brand, headline: "È l'ora dell'elettrica", body_html: "<p>Corpo.</p>" });
  const { store } = open(newPath(), { filter: { brand } });
  await store.sync();
  for (const key of [article.slug, article.id]) {
    const found = store.article(key);
    assert(found?.status === "stored");
    assert.equal(found.article.headline, "È l'ora dell'elettrica");
    assert.equal(found.body?.body_html, "<p>Corpo.</p>");
  }
  const find = (text: string) => store.search(text).map(({ id }) => id);
  for (const text of ["elettrica", "ELETTR", "e l'ora", "dell'èlettrica"]) assert.deepEqual(find(text), [article.id], text);
  for (const text of ["", "'\"", "diesel", "elettrica AND NOT ora", "headline:elettrica OR"]) {
    assert.deepEqual(find(text), [], text);
  }
  assert.equal(store.article("mai-esistito"), null);
});

test("positions and limits that no page has are refused", () => {
  const { store } = open();
  for (const after of ["", "x", "2026-01-01"]) assert.throws(() => store.list({ after }), RangeError);
  for (const limit of [0, -1, 1.5, Number.NaN]) {
    assert.throws(() => store.list({ limit }), RangeError);
    assert.throws(() => store.search("parola", limit), RangeError);
  }
});

test("a refusal of the API names the parameter, and the store stays usable", async () => {
  const brand = await newBrand();
  const { store } = open(newPath(), { filter: { brand }, pageSize: 1_001 });
  await assert.rejects(store.sync(), (error) => error instanceof ProblemError && error.errors[0]?.parameter === "limit");
  assert.deepEqual(listed(store), []);
});

test("what changed is read and nothing else", async () => {
  const brand = await newBrand();
  const ids = await publishMany(20, { brand });
  const { urls, client } = recordingClient();
  const { store, raw } = open(newPath(), { api: client, filter: { brand } });
  await store.sync();
  assert.equal(urls.splice(0).length, 3, "the newest articles, all changes, bodies");
  assert.deepEqual(await store.sync(), { changes: 0, bodies: 0, removed: [], reread: 0, restarted: false, dropped: 0 });
  assert.equal(urls.splice(0).length, 1);
  await change(ids[3] as string, { headline: "Nuovo titolo", body_html: "<p>Nuovo testo.</p>" });
  await publish({ brand });
  const { changes, bodies } = await store.sync();
  assert.deepEqual([changes, bodies, urls.length], [2, 2, 2]);
  await assertEqualToApi(store, raw, { brand });
});

test("the newest articles can be read before the first synchronization is complete", async () => {
  const brand = await newBrand();
  await publishMany(12, { brand });
  const { store } = open(newPath(), { filter: { brand }, pageSize: 5 });
  const first = new Promise<number>((resolve) => {
    void store.sync({
      onProgress: ({ total }) => {
        assert.equal(total, 12);
        resolve(store.list().articles.length);
      },
    });
  });
  assert.equal(await first, 12);
  await store.sync();
});

test("a name of a brand or an author changes without reading articles, a slug reads those that have it", async () => {
  const brand = await newBrand();
  await addTerm("authors", "anna-neri", "Anna Neri");
  await publishMany(3, { brand, authors: ["anna-neri"] });
  await publishMany(2, { brand });
  const { urls, client } = recordingClient();
  const { store, raw } = open(newPath(), { api: client, filter: { brand } });
  await store.sync();
  urls.splice(0);
  await changeTerm("brands", brand, { name: "Altro nome" });
  await changeTerm("authors", "anna-neri", { name: "Anna Bianchi" });
  await store.sync();
  assert.equal(urls.splice(0).length, 1);
  assert.equal(store.list().articles[0]?.brand?.name, "Altro nome");
  assert.equal(store.list().articles[4]?.authors[0]?.name, "Anna Bianchi");
  await changeTerm("authors", "anna-neri", { slug: "anna-bianchi" });
  assert.equal((await store.sync()).reread, 3);
  await assertEqualToApi(store, raw, { brand });
});

test("bodies of the oldest articles are dropped first, and the report says how many", async () => {
  const brand = await newBrand();
  const body_html = `<p>${"Testo. ".repeat(150)}</p>`;
  const days = [1, 2, 3, 4, 5, 6].map((day) => ({ brand, body_html, published_at: `2026-10-0${day}T08:00:00Z` }));
  for (const fields of days) await publish(fields);
  const { store } = open(newPath(), { filter: { brand }, maxBodyBytes: 4_000 });
  await store.sync();
  const kept = () => listed(store).map(({ id }) => store.article(id)).map((found) => found?.status === "stored" && !!found.body);
  assert.deepEqual(kept(), [true, true, true, false, false, false]);
  assert(store.stats().bodyBytes <= 4_000);
  await publish({ brand, body_html, published_at: "2026-10-07T08:00:00Z" });
  const report = await store.sync();
  assert.deepEqual([report.bodies, report.dropped], [1, 1]);
  assert.deepEqual(kept(), [true, true, true, false, false, false, false]);
});

test("an aborted synchronization keeps its pages and continues after them", async () => {
  const brand = await newBrand();
  await publishMany(12, { brand });
  const { store, raw } = open(newPath(), { filter: { brand }, pageSize: 3 });
  const controller = new AbortController();
  const stop = new Error("the app went to the background");
  const onProgress = ({ changes }: { changes: number }) => changes >= 6 && controller.abort(stop);
  await assert.rejects(store.sync({ signal: controller.signal, onProgress }), stop);
  const { changes } = await store.sync();
  assert(changes > 0);
  await assertEqualToApi(store, raw, { brand });
  await assert.rejects(store.sync({ signal: AbortSignal.abort(stop) }), stop);
});

test("calls during a synchronization return its report", async () => {
  const { store } = open(newPath(), { filter: { brand: await newBrand() } });
  const [one, other] = await Promise.all([store.sync(), store.sync()]);
  assert.equal(one, other);
});

test("without a connection the store answers and the synchronization fails", async () => {
  const brand = await newBrand();
  await publishMany(2, { brand });
  const path = newPath();
  const first = open(path, { filter: { brand } }).store;
  await first.sync();
  first.close();
  const offline = createClient({ baseUrl: "http://127.0.0.1:1", store: null, maxWaitMs: 1 });
  const { store } = open(path, { api: offline, filter: { brand } });
  await assert.rejects(store.sync(), TypeError);
  assert.equal(listed(store).length, 2);
});

test("a database of another version of the tables is filled anew", async () => {
  const brand = await newBrand();
  await publishMany(2, { brand });
  const path = newPath();
  const first = open(path, { filter: { brand } });
  await first.store.sync();
  first.raw.exec("PRAGMA user_version = 99");
  first.store.close();
  const { store, raw } = open(path, { filter: { brand } });
  assert.deepEqual(listed(store), []);
  await store.sync();
  await assertEqualToApi(store, raw, { brand });
});

test("a full device loses old bodies first, and says so when nothing is left to drop", async () => {
  const brand = await newBrand();
  const body_html = `<p>${"Testo lungo. ".repeat(1_500)}</p>`;
  await publishMany(12, { brand, body_html });
  const { store, raw, path } = open(newPath(), { filter: { brand } });
  raw.exec("PRAGMA max_page_count = 75"); // 300 kB: SQLite answers as it does when the disk is full
  await store.sync();
  assert.equal(listed(store).length, 12);
  const { bodies } = store.stats();
  assert(bodies > 0 && bodies < 12, `${bodies} bodies`);
  const newest = store.article(listed(store)[0]?.id ?? "");
  assert(newest?.status === "stored" && newest.body);

  await publishMany(300, { brand, headline: "Titolo lungo ".repeat(12), standfirst: "Sommario. ".repeat(60), body_html: "<p></p>" });
  await assert.rejects(store.sync(), StorageFullError);
  assert.equal(store.stats().bodies, 0);
  assert(listed(store).length >= 12);
  store.close();
  const later = open(path, { filter: { brand } });
  await later.store.sync();
  await assertEqualToApi(later.store, later.raw, { brand });
});

test("a wrong clock of the device changes nothing, and content ends with its rights", async (context) => {
  const brand = await newBrand();
  const day = 86_400_000;
  const realNow = Date.now;
  const expires_at = new Date(realNow() + 3 * day).toISOString();
  await publish({ brand, rights: { expires_at } });
  await publish({ brand });
  for (const years of [-20, 0, 20]) {
    let offset = years * 365 * day;
    context.mock.method(Date, "now", () => realNow() + offset);
    const { store, raw } = open(newPath(), { filter: { brand } });
    await store.sync();
    assert.equal(listed(store).length, 2, `${years} years`);
    await assertEqualToApi(store, raw, { brand });
    offset += 4 * day;
    assert.equal(listed(store).length, 1, `${years} years`);
    offset -= 40 * day;
    assert.equal(listed(store).length, 2);
    context.mock.restoreAll();
  }
});
