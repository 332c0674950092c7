/**
 * The promise of the site: after the webhook is answered no page is stale, only pages whose tags were touched are built
 * again, and without the API the kept pages are served. `SITE_PUBLICATIONS` is the number of publications.
 */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { createSiteServer } from "../dist/server.js";
import { Site } from "../dist/site.js";
import { openBrowser } from "./chromium.js";
import { change, editor, freshSite, publish, REFERENCE, startSite, until } from "./support.js";

const PUBLICATIONS = Number(process.env.SITE_PUBLICATIONS ?? 12);
const ACTIONS = ["create", "update", "create", "rename", "update", "withdraw", "create", "brand"];

let running;
let browser;
let page;
before(async () => {
  running = await startSite();
  browser = await openBrowser();
  page = await browser.newPage();
  await page.goTo(`${running.siteUrl}/robots.txt`);
});
after(async () => {
  await browser?.close();
  await running?.stop();
});

/** Read a page in the browser. */
const read = (path) =>
  page.evaluate(`fetch(${JSON.stringify(path)}, { cache: "no-cache" }).then(async (response) => ({
    status: response.status, path: new URL(response.url).pathname, text: await response.text() }))`);

/** Where articles are published: brand, section, author. */
const PLACES = [
  ["land-rover", "prove", "elena-riva"],
  ["ferrari", "sport", "sara-conti"],
  ["volvo", "norme", "redazione-play"],
];
const articles = [];
let number = 0;
/** The surrogate key of what was written last. */
let tag = "";

/** Do what editors do; return what pages have to show afterwards. */
async function act(action) {
  number += 1;
  const article = articles[number % Math.max(1, articles.length)];
  if (action === "brand") {
    const name = `Land Rover ${number}`;
    const path = { slug: "land-rover" };
    let etag = "";
    await editor.request("get", "/v1/brands/{slug}", { path, onResponse: ({ headers }) => (etag = headers.get("etag")) });
    await editor.request("patch", "/v1/brands/{slug}", { path, headers: { "If-Match": etag }, body: { name } });
    tag = "brand:land-rover";
    return [
      { path: "/marche/land-rover", text: `<h1>${name}</h1>` },
      { path: REFERENCE, text: name },
      { path: "/marche", text: name },
    ];
  }
  if (action === "create" || !article) {
    const headline = `Prova numero ${number}`;
    const [brand, section, author] = PLACES[number % PLACES.length];
    const created = await publish({ headline, slug: `prova-numero-${number}`, brand, section, authors: [author], tags: [] });
    articles.push(created);
    tag = `article:${created.id}`;
    return ["/", `/marche/${brand}`, `/sezioni/${section}`, `/autori/${author}`, `/articoli/${created.slug}`].map((path) => ({
      path,
      text: headline,
    }));
  }
  tag = `article:${article.id}`;
  const place = articles.indexOf(article);
  if (action === "update") {
    const headline = `Titolo cambiato ${number}`;
    articles[place] = await change(article, { headline, update_type: "major" });
    return [`/articoli/${article.slug}`, `/marche/${article.brand.slug}`].map((path) => ({ path, text: headline }));
  }
  if (action === "rename") {
    const slug = `rinominato-${number}`;
    articles[place] = await change(article, { slug });
    return [
      { path: `/articoli/${article.slug}`, leadsTo: `/articoli/${slug}`, text: article.headline },
      { path: `/marche/${article.brand.slug}`, text: `/articoli/${slug}` },
    ];
  }
  articles.splice(place, 1);
  await editor.request("delete", "/v1/articles/{slug_or_id}", {
    path: { slug_or_id: article.id },
    query: { reason: "error" },
    headers: { "If-Match": `"v${article.version}"` },
  });
  return [
    { path: `/articoli/${article.slug}`, status: 410, text: "ha ritirato questo articolo" },
    { path: "/", text: `/articoli/${article.slug}"`, isThere: false },
    { path: `/marche/${article.brand.slug}`, text: `/articoli/${article.slug}"`, isThere: false },
  ];
}

test(`${PUBLICATIONS} publications leave no stale page and build only what they touch`, async (t) => {
  const { site, calls, builds, config } = running;
  const fresh = freshSite(config);
  let stale = 0;
  let read_pages = 0;
  let compared = 0;
  let built = 0;
  let kept = 0;
  const differing = async (paths) => {
    const different = [];
    for (const path of paths) {
      const keptPage = site.store.pages.get(path);
      const { html } = await fresh.store.build(path);
      compared += 1;
      if (keptPage && gunzipSync(keptPage.gzip).toString() !== html) different.push(path);
    }
    return different;
  };
  for (let index = 0; index < PUBLICATIONS; index += 1) {
    const first = calls.length;
    const firstBuild = builds.length;
    kept += site.store.pages.size;
    const expected = await act(ACTIONS[index % ACTIONS.length]);
    const isAnswered = () => calls.slice(first).some(({ seq, tags }) => seq >= editor.minSeq && tags.includes(tag));
    await until(isAnswered, `the event of change ${editor.minSeq}`);
    for (const { path, text, leadsTo = path, status = 200, isThere = true } of expected) {
      const shown = await read(path);
      read_pages += 1;
      assert.equal(shown.status, status, path);
      assert.equal(shown.path, leadsTo);
      if (shown.text.includes(text) !== isThere) {
        stale += 1;
        t.diagnostic(`stale: ${path} after ${ACTIONS[index % ACTIONS.length]}`);
      }
    }
    await until(() => running.running.size === 0, "the answers of all events");
    const touched = new Set(calls.slice(first).flatMap((call) => call.touched));
    const again = builds.slice(firstBuild);
    assert.deepEqual([...new Set(again)].sort(), [...touched].sort());
    built += touched.size;
    const isLast = index === PUBLICATIONS - 1;
    const candidates = isLast || index % 25 === 24 ? site.store.pages.keys() : touched;
    let different = await differing(new Set(candidates));
    if (different.length > 0) {
      // A later change, of a related list, may be visible before its event: the event has to come.
      const seen = calls.length;
      await until(() => calls.length > seen, `an event for ${different}`, 10).catch(() => undefined);
      different = await differing(different);
    }
    stale += different.length;
    for (const path of different) t.diagnostic(`stale: ${path}`);
  }
  t.diagnostic(
    JSON.stringify({ publications: PUBLICATIONS, events: calls.length, read_pages, compared, stale, built, kept_mean: Math.round(kept / PUBLICATIONS) }),
  );
  assert.equal(stale, 0);
  assert.ok(built < kept, "pages without the tags are left alone");
});

test("a page whose event was lost is built again after the comparison with the changelog", async () => {
  const { site, config } = running;
  const { revalidate } = site;
  site.revalidate = async () => Response.json({});
  const article = await publish({ headline: "Un evento perso", slug: "un-evento-perso" });
  const other = new Site({ ...config, checkSeconds: 3600 });
  assert.ok(!gunzipSync(other.store.pages.get("/").gzip).toString().includes(article.headline));
  await other.start();
  other.stop();
  assert.ok(gunzipSync(other.store.pages.get("/").gzip).toString().includes(article.headline));
  site.revalidate = revalidate;
});

test("calls without a valid signature are refused", async () => {
  const headers = { "webhook-id": "a", "webhook-timestamp": String(Math.floor(Date.now() / 1000)), "webhook-signature": "v1,AAAA" };
  let before;
  do {
    before = running.builds.length; // events of the test above may still arrive
    await new Promise((resolve) => setTimeout(resolve, 3000));
  } while (running.builds.length !== before);
  for (const [sent, status] of [[headers, 401], [{}, 400]]) {
    const body = '{"type":"cache.invalidated","data":{"seq":1,"tags":["articles"]}}';
    const response = await fetch(`${running.siteUrl}/webhook`, { method: "POST", headers: sent, body }).catch((error) => error);
    assert.equal(response.status, status);
  }
  assert.equal(running.builds.length, before);
});

/** Return whether no server listens at an address. */
const refuses = ({ hostname, port }) =>
  new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => resolve(socket.destroy() && false));
    socket.on("error", () => resolve(true));
  });

test("without the API all kept pages are served, and the others say that they are not available", async (t) => {
  const { site, siteUrl, config } = running;
  process.kill(Number(process.env.SITE_API_PID), "SIGTERM");
  await until(() => refuses(new URL(config.apiUrl)), "the end of the API", 60);
  let count = 0;
  for (const [path, { status, location }] of site.store.pages) {
    const response = await fetch(siteUrl + path, { redirect: "manual" });
    assert.equal(response.status, status, path);
    assert.equal(response.headers.get("location"), location ?? null);
    count += 1;
  }
  t.diagnostic(JSON.stringify({ kept_pages_served: count }));
  const search = await read("/ricerca?q=batterie");
  assert.equal(search.status, 503);
  assert.match(search.text, /La ricerca non è disponibile/);
  const form = new URLSearchParams({ brand: "land-rover", email: "lettore@example.com" });
  const subscription = await fetch(`${siteUrl}/iscrizioni`, { method: "POST", body: form });
  assert.equal(subscription.status, 503);
  assert.match(await subscription.text(), /non è stata registrata/);
  const other = await fetch(`${siteUrl}/articoli/mai-letto`);
  assert.equal(other.status, 503);
  assert.equal(other.headers.get("retry-after"), "30");

  const restarted = new Site(config);
  const server = createSiteServer(restarted);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  await restarted.start();
  const response = await fetch(`http://127.0.0.1:${server.address().port}${REFERENCE}`);
  restarted.stop();
  server.closeAllConnections();
  server.close();
  assert.equal(response.status, 200);
});
