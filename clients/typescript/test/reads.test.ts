import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient, displayDate, orNull, ProblemError, type ResponseInfo } from "newsapi-client";
import { BASE, editor, publish, reader, REFERENCE, WITHDRAWN } from "./support.js";

const problem = (code: string) => (error: unknown) => error instanceof ProblemError && error.code === code;

test("a list is read over its pages, and no article is skipped or repeated while others are published", async () => {
  const api = reader();
  const before = new Set<string>();
  for await (const article of api.articles({ limit: 100 })) before.add(article.slug);
  const read: string[] = [];
  let pages = 0;
  for await (const page of api.articles({ limit: 7 }).pages()) {
    pages++;
    read.push(...page.data.map((article) => article.slug));
    if (pages <= 3) await publish(editor(), { brand: "ferrari" });
  }
  assert.ok(pages > 3);
  assert.equal(new Set(read).size, read.length);
  assert.deepEqual(
    [...before].filter((slug) => !read.includes(slug)),
    [],
  );
});

test("a list can be iterated again, and an iteration can be left", async () => {
  const list = reader().articles({ brand: ["land-rover", "jaguar"], limit: 2 });
  const first: string[] = [];
  for await (const article of list) {
    first.push(article.slug);
    if (first.length === 3) break;
  }
  const again: string[] = [];
  for await (const article of list) again.push(article.slug);
  assert.deepEqual(again.slice(0, 3), first);
  assert.ok(again.length > 5);
});

test("fields and include stay from page to page", async () => {
  let count = 0;
  for await (const article of reader().articles({ fields: ["headline", "image.url"], limit: 3, brand: "land-rover" })) {
    assert.deepEqual(Object.keys(article).sort(), ["headline", "id", "image"]);
    count++;
  }
  assert.ok(count > 3);
});

test("terms, search, suggestions, related articles and the digest are typed and read", async () => {
  const api = reader();
  for (const [list, term] of [
    [api.brands({ limit: 5 }), (slug: string) => api.brand(slug)],
    [api.authors({ limit: 5 }), (slug: string) => api.author(slug)],
    [api.sections({ limit: 5 }), (slug: string) => api.section(slug)],
    [api.tags({ limit: 5 }), (slug: string) => api.tag(slug)],
  ] as const) {
    const { data } = await list.page();
    const [first] = data;
    assert.equal((await term(first?.slug ?? "")).name, first?.name);
  }
  const found = await api.search({ q: "batterie", facets: ["brand"] }).page();
  assert.ok((found.facets?.["brand"] ?? []).length > 0);
  assert.ok(found.data[0]?.highlights);
  assert.ok((await api.suggest("rang")).length > 0);
  assert.equal((await api.related(REFERENCE, { limit: 3 })).length, 3);
  assert.equal((await api.jsonld(REFERENCE))["@type"], "NewsArticle");
  assert.ok((await api.digest()).data);
  assert.match(await api.request("get", "/v1/feeds/articles.atom", { query: { brand: "ford" } }), /^<\?xml/);
});

test("an unchanged response is confirmed by its ETag and equal", async () => {
  const api = reader();
  const infos: ResponseInfo[] = [];
  const options = { onResponse: (info: ResponseInfo) => infos.push(info) };
  const first = await api.article(REFERENCE, {}, options);
  assert.deepEqual(await api.article(REFERENCE, {}, options), first);
  assert.deepEqual(
    infos.map((info) => [info.status, info.isRevalidated]),
    [
      [200, false],
      [200, true],
    ],
  );
  assert.deepEqual(infos[1]?.tags, infos[0]?.tags);
  assert.ok(infos[0]?.tags.includes(`slug:${REFERENCE}`));
});

test("without a store nothing is confirmed", async () => {
  const api = createClient({ baseUrl: BASE, store: null });
  for (let count = 0; count < 2; count++) {
    await api.article(REFERENCE, {}, { onResponse: (info) => assert.equal(info.isRevalidated, false) });
  }
});

test("after a write, reads of the same client show it", async () => {
  const api = editor();
  const { slug, version } = await publish(api, { brand: "ford" });
  assert.ok(api.minSeq > 0);
  const urls: string[] = [];
  const withUrls = api.with({ onResponse: (info) => urls.push(info.url) });
  assert.equal((await withUrls.article(slug)).version, version);
  assert.match(urls[0] ?? "", new RegExp(`min_seq=${api.minSeq}$`));
  await withUrls.article(slug, {}, { minSeq: 0 });
  assert.doesNotMatch(urls[1] ?? "", /min_seq/);
});

test("a bad parameter is a problem that names it", async () => {
  await assert.rejects(reader().articles({ limit: 1000 }).page(), (error: unknown) => {
    assert.ok(error instanceof ProblemError);
    assert.equal(error.status, 400);
    assert.equal(error.code, "bad-parameter");
    assert.equal(error.errors[0]?.parameter, "limit");
    assert.match(error.requestId, /./);
    return true;
  });
});

test("a withdrawn article says when and why", async () => {
  await assert.rejects(reader().article(WITHDRAWN), (error: unknown) => {
    assert.ok(error instanceof ProblemError);
    assert.equal(error.code, "gone");
    assert.equal(error.gone?.action, "withdrawn");
    return true;
  });
  assert.equal(await orNull(reader().article(WITHDRAWN)), null);
  assert.equal(await orNull(reader().article("there-is-no-such-slug")), null);
  await assert.rejects(orNull(reader().articles({ limit: 1000 }).page()), problem("bad-parameter"));
});

test("a response that redirects has the key of the former slug among its tags", async () => {
  const api = editor();
  const { slug, id, version } = await publish(api, { brand: "ford" });
  await api.request("patch", "/v1/articles/{slug_or_id}", {
    path: { slug_or_id: id },
    headers: { "If-Match": `"v${version}"` },
    body: { slug: `${slug}-nuovo` },
  });
  const tags: string[] = [];
  const site = createClient({ baseUrl: BASE, minSeq: api.minSeq, onResponse: (info) => tags.push(...info.tags) });
  assert.equal((await site.article(slug)).slug, `${slug}-nuovo`);
  assert.ok(tags.includes(`slug:${slug}`));
  assert.ok(tags.includes(`article:${id}`));
});

test("a draft is shown with the token of a preview link only", async () => {
  const api = editor();
  const { data: draft } = await api.request("post", "/v1/articles", { body: { headline: "Bozza", language: "it" } });
  const { data: link } = await api.request("post", "/v1/articles/{slug_or_id}/preview-links", {
    path: { slug_or_id: draft.id },
    body: {},
  });
  assert.equal(await orNull(reader().article(draft.slug)), null);
  const shown = await reader().article(draft.slug, { preview: link.token });
  assert.equal(shown.headline, "Bozza");
  assert.equal(shown.status, "draft");
  await api.request("delete", "/v1/articles/{slug_or_id}/preview-links/{link_id}", {
    path: { slug_or_id: draft.id, link_id: link.id },
  });
  await assert.rejects(reader().article(draft.slug, { preview: link.token }), problem("token-expired"));
});

test("a reader subscribes, confirms, changes preferences, exports, leaves and is erased by the tokens of messages", async () => {
  const api = reader();
  const email = `lettrice-${Date.now()}@example.com`;
  await api.subscribe("brands", "land-rover", { email, frequency: "immediate" });
  const confirm = await tokenOf(email, "confirm_");
  await api.confirmSubscription(confirm);
  await assert.rejects(api.confirmSubscription(confirm), problem("token-expired"));
  await publish(editor(), { brand: "land-rover" });
  const leave = await tokenOf(email, "leave_"); // in the alert
  const manage = await tokenOf(email, "manage_");
  const [followed] = (await api.exportSubscriber(manage)).subscriptions;
  assert.equal(followed?.frequency, "immediate");
  const { subscriptions } = await api.setPreferences({
    token: manage,
    subscriptions: [{ id: followed?.id ?? "", frequency: "weekly" }],
  });
  assert.equal(subscriptions[0]?.frequency, "weekly");
  await api.unsubscribe(leave);
  await api.eraseSubscriber(manage);
  await assert.rejects(api.exportSubscriber(manage), problem("token-expired"));
});

test("a token that was never given and an invalid address are problems", async () => {
  const api = reader();
  for (const call of [
    () => api.confirmSubscription("confirm_none"),
    () => api.unsubscribe("leave_none"),
    () => api.eraseSubscriber("manage_none"),
    () => api.exportSubscriber("manage_none"),
  ]) {
    await assert.rejects(call, problem("token-expired"));
  }
  await assert.rejects(api.subscribe("brands", "land-rover", { email: "nessuna" }), problem("bad-body"));
});

/** Return the token in a message to an address, from the mailbox of the demo. */
async function tokenOf(email: string, prefix: string): Promise<string> {
  for (;;) {
    const list = await (await fetch(`${BASE}/demo/mail`)).text();
    for (const [, path] of list.matchAll(new RegExp(`href="([^"]+)">[^<]*${email}`, "g"))) {
      const message = await (await fetch(`${BASE}${path}`)).text();
      const token = new RegExp(`${prefix}[A-Za-z0-9_-]+`).exec(message)?.[0];
      if (token) return token;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test("changes end with the last one, or wait for the next until the signal aborts", async () => {
  const api = reader();
  let cursor = "";
  const seen = new Set<string>();
  for await (const page of api.changes({ limit: 50 }).pages()) {
    for (const change of page.data) seen.add(change.id);
    cursor = page.cursor;
  }
  assert.ok(seen.size > 30);

  const stop = new AbortController();
  const waiting = (async () => {
    for await (const change of api.changes({ cursor, wait: 20 }, { signal: stop.signal })) {
      if (change.action === "upsert") return change.slug;
    }
    return null;
  })();
  const { slug } = await publish(editor(), { brand: "bmw" });
  assert.equal(await waiting, slug);

  const aborted = assert.rejects(async () => {
    for await (const change of api.changes({ cursor: "x" }, { signal: AbortSignal.abort() })) assert.ok(change);
  }, /abort/i);
  stop.abort();
  await aborted;
});

const DAY = { published_on: "2016-07-26", published_at: "2016-07-26T10:00:00Z", published_precision: "day" } as const;
const SECOND = { ...DAY, published_at: "2016-07-26T22:30:00Z", published_precision: "second" } as const;

test("a date is shown as the article knows it", () => {
  assert.equal(displayDate(DAY), "26 luglio 2016");
  assert.equal(displayDate(DAY, "it-IT", "Pacific/Kiritimati", { time: true }), "26 luglio 2016");
  assert.equal(displayDate(DAY, "en-GB", "Pacific/Pago_Pago"), "26 July 2016");
  assert.equal(displayDate(SECOND), "27 luglio 2016");
  assert.equal(displayDate(SECOND, "it-IT", "UTC"), "26 luglio 2016");
  assert.match(displayDate(SECOND, "it-IT", "Europe/Rome", { time: true }), /^27 luglio 2016.* 00:30$/);
});
