/** What readers see and do in a browser: accessibility, budget, keyboard, subscription, new articles, previews. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { openBrowser } from "./chromium.js";
import { API_URL, editor, publish, REFERENCE, startSite, until } from "./support.js";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** The budget of a page, in bytes as they are transferred. */
const MAX_HTML_BYTES = 12_000;
const MAX_CSS_BYTES = 6_000;
const MAX_JS_BYTES = 4_000;
const MAX_FONT_BYTES = 90_000;
const MAX_REQUESTS_WITHOUT_PICTURES = 6;
/** As a share of the window: a line of text may move once when a font arrives late. */
const MAX_LAYOUT_SHIFT = 0.005;

let running;
let browser;
before(async () => {
  running = await startSite();
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await running?.stop();
});

/** Open a page of the site. */
async function open(path, view = {}) {
  const page = await browser.newPage();
  await page.emulate(view);
  await page.goTo(running.siteUrl + path);
  return page;
}

/** Return the emails that the demo has written to an address, newest first, as HTML. */
async function emailsTo(address) {
  const list = await (await fetch(`${API_URL}/demo/mail`)).text();
  const links = [...list.matchAll(/href="([^"]+)">([^<]*)</g)].filter(([, , label]) => label.includes(address));
  return Promise.all(links.map(async ([, href]) => (await fetch(API_URL + href)).text()));
}

/** Return the token with a prefix in the newest email to an address. */
async function tokenOf(address, prefix) {
  let token;
  await until(async () => {
    const [email = ""] = await emailsTo(address);
    token = new RegExp(`token=(${prefix}_[\\w.~-]+)`).exec(email)?.[1];
    return token !== undefined;
  }, `an email with ${prefix}_ to ${address}`);
  return token;
}

const PAGES = {
  home: "/",
  brands: "/marche",
  brand: "/marche/land-rover",
  section: "/sezioni/play",
  author: "/autori/elena-riva",
  article: REFERENCE,
  gallery: "/articoli/jaguar-classic-una-giornata-in-officina",
  video: "/articoli/jeep-come-si-affronta-un-guado",
  table: "/articoli/tesla-come-funziona-la-ricarica-rapida",
  search: "/ricerca",
  results: "/ricerca?q=batterie&sezione=tecnica",
  "no results": "/ricerca?q=zzzz",
  "not found": "/articoli/non-esiste",
  withdrawn: "/articoli/stellantis-il-calendario-dei-porte-aperte",
  "expired link": "/iscrizione?token=confirm_scaduto",
};

test("axe finds no violation on any kind of page, light and dark", async (t) => {
  let checks = 0;
  const dark = ["home", "brand", "gallery", "results", "withdrawn"];
  const views = [...Object.keys(PAGES).map((kind) => [kind, false]), ...dark.map((kind) => [kind, true])];
  for (const [kind, isDark] of views) {
    const page = await open(PAGES[kind], { width: isDark ? 390 : 1280, isDark });
    await page.evaluate(AXE);
    const { violations, passes } = await page.evaluate("axe.run(document, { resultTypes: ['violations'] })");
    checks += passes.length;
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
    assert.deepEqual(found, [], `${kind}${isDark ? ", dark" : ""}`);
    await page.close();
  }
  t.diagnostic(JSON.stringify({ pages: views.length, checks, violations: 0 }));
});

test("no page scrolls sideways, reports an error, or asks another host but for pictures", async () => {
  for (const path of Object.values(PAGES)) {
    const page = await open(path);
    for (const width of [360, 768, 1440]) {
      await page.emulate({ width });
      assert.ok(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), `${path} at ${width}`);
    }
    const foreign = page.requests.filter(({ url, type }) => !url.startsWith(running.siteUrl) && type !== "Image");
    assert.deepEqual(foreign, []);
    assert.deepEqual(page.problems.filter((text) => !/status of (404|410|503)/.test(text)), [], path);
    await page.close();
  }
});

test("pages are within their budget and nothing moves while they load", async (t) => {
  for (const [kind, path] of Object.entries(PAGES)) {
    const page = await browser.newPage();
    await page.emulate({ width: 390, height: 800 });
    await page.call("Page.addScriptToEvaluateOnNewDocument", {
      source: `window.moved = 0; window.largest = "";
        new PerformanceObserver((list) => { for (const entry of list.getEntries()) moved += entry.value; }).observe({ type: "layout-shift", buffered: true });
        new PerformanceObserver((list) => { for (const entry of list.getEntries()) largest = entry.element?.tagName ?? ""; }).observe({ type: "largest-contentful-paint", buffered: true });`,
    });
    await page.goTo(running.siteUrl + path);
    await page.evaluate(`(async () => {
      for (let y = 0; y < document.body.scrollHeight; y += 500) {
        scrollTo(0, y);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    })()`);
    await page.until("[...document.querySelectorAll('img:not(.gallery img)')].every(({ complete }) => complete)");
    const { moved, largest } = await page.evaluate("({ moved, largest })");
    const bytes = (type) => page.requests.filter((request) => request.type === type).reduce((sum, { id }) => sum + page.sizeOf(id), 0);
    const others = page.requests.filter(({ type }) => type !== "Image" && type !== "EventSource" && type !== "Fetch");
    const report = { html: bytes("Document"), css: bytes("Stylesheet"), js: bytes("Script"), fonts: bytes("Font"), requests: others.length, largest, moved };
    t.diagnostic(`${kind}: ${JSON.stringify(report)}`);
    assert.ok(report.html <= MAX_HTML_BYTES, `${kind}: HTML`);
    assert.ok(report.css > 0 && report.css <= MAX_CSS_BYTES, `${kind}: CSS`);
    assert.ok(report.js > 0 && report.js <= MAX_JS_BYTES, `${kind}: JS`);
    assert.ok(report.fonts <= MAX_FONT_BYTES || kind === "brands", `${kind}: fonts`);
    assert.ok(others.length <= MAX_REQUESTS_WITHOUT_PICTURES + (kind === "brands" ? 2 : 0), `${kind}: requests`);
    assert.ok(moved <= MAX_LAYOUT_SHIFT, `${kind}: layout shift ${moved}`);
    await page.close();
  }
});

test("the reference page shows everything that a reader expects", async () => {
  const page = await open(REFERENCE);
  const text = (selector) => page.evaluate(`document.querySelector(${JSON.stringify(selector)})?.innerText.trim()`);
  assert.equal(await text("h1"), "Jaguar Land Rover, allo studio una fabbrica per produrre batterie");
  assert.equal(await text(".byline"), "di Francesco Donnici | 26 luglio 2016");
  assert.match(await text(".subscribe h2"), /^Se vuoi aggiornamenti su LAND ROVER inserisci la tua e-mail nel box qui sotto:$/);
  assert.equal(await text(".related h2"), "Altro su Land Rover");
  const cards = await page.evaluate(`[...document.querySelectorAll(".related .card")].map((card) => ({
    label: card.querySelector(".label")?.innerText, headline: card.querySelector("h3")?.innerText,
    picture: card.querySelector("img")?.src, teaser: card.querySelector(".teaser")?.innerText }))`);
  assert.equal(cards.length, 6);
  for (const card of cards) assert.ok(card.label && card.headline && card.picture && card.teaser, JSON.stringify(card));
  const jsonld = JSON.parse(await page.evaluate(`document.querySelector('[type="application/ld+json"]').textContent`));
  assert.equal(jsonld["@type"], "NewsArticle");
  assert.equal(await page.evaluate(`document.querySelector("[rel=canonical]").href`), running.siteUrl + REFERENCE);
  assert.equal(await page.evaluate(`document.querySelector("[property='og:type']").content`), "article");
  assert.equal(await page.evaluate("document.documentElement.lang"), "it");
});

test("former slugs lead to the article, and a withdrawn one says so", async () => {
  const former = await fetch(`${running.siteUrl}/articoli/tesla-la-ricarica-rapida-spiegata`, { redirect: "manual" });
  assert.equal(former.status, 308);
  assert.equal(former.headers.get("location"), "/articoli/tesla-come-funziona-la-ricarica-rapida");
  const gone = await fetch(running.siteUrl + PAGES.withdrawn);
  assert.equal(gone.status, 410);
  assert.match(await gone.text(), /la redazione ha ritirato questo articolo/);
});

test("links between articles lead to pages of the site", async () => {
  const page = await open(PAGES.gallery);
  const path = await page.evaluate("new URL(document.querySelector('.body a[data-article-id]').href).pathname");
  assert.equal(path, "/articoli/land-rover-serie-i-come-si-restaura-un-telaio");
});

test("a headline with markup is text, and no script of it runs", async () => {
  const headline = `<script>document.title="rotto"</script><img src=x onerror="document.title='rotto'"> l'auto`;
  const { slug } = await publish({ headline, slug: "con-marcatura" });
  for (const path of [`/articoli/${slug}`, `/ricerca?q=${encodeURIComponent(headline.slice(0, 100))}`]) {
    const page = await open(path);
    assert.ok(!(await page.evaluate("document.title")).startsWith("rotto"), path);
    assert.equal(await page.evaluate("document.querySelectorAll('h1 img, h1 script, main script').length"), 0);
  }
  const page = await open(`/articoli/${slug}`);
  assert.equal(await page.evaluate("document.querySelector('h1').textContent"), headline.replace("l'auto", "l’auto"));
});

test("hostile addresses get an answer", async () => {
  const paths = ["//", "/%00", "/%2e%2e/etc/passwd", "/articoli/%E0%A4%A", "/marche/land-rover?cursor=x", "/marche/land-rover?cursor=%22", "/articoli/A", `/articoli/${"a".repeat(5000)}`, "/ricerca?q=%00", "/ricerca?q=a&cursor=x", "/suggerimenti?q=%00", "/anteprima", "/anteprima?token=x&path=//evil.example/a", "/iscrizione", "/iscrizione?token=manage_x", "/eventi/x", "/assets/../main.js"];
  for (const path of paths) {
    const response = await fetch(running.siteUrl + path, { redirect: "manual" });
    assert.ok([200, 308, 400, 404, 410].includes(response.status), `${response.status} ${path}`);
    assert.match(response.headers.get("content-security-policy"), /default-src 'none'/);
  }
  const form = await fetch(`${running.siteUrl}/iscrizioni`, { method: "POST", body: "x".repeat(100_000) });
  assert.equal(form.status, 413);
  assert.equal((await fetch(running.siteUrl, { method: "DELETE" })).status, 405);
});

test("the keyboard reaches content and suggestions", async () => {
  const page = await open("/");
  await page.press("Tab");
  assert.equal(await page.evaluate("document.activeElement.className"), "skip");
  await page.follow(async () => {
    await page.goTo(`${running.siteUrl}/ricerca`);
    await page.evaluate("document.querySelector('#q').focus()");
    await page.type("range");
    await page.until("document.querySelector('#q').getAttribute('aria-expanded') === 'true'");
    await page.press("ArrowDown");
    const active = "document.getElementById(document.querySelector('#q').getAttribute('aria-activedescendant'))";
    assert.equal(await page.evaluate(`${active}.getAttribute('aria-selected')`), "true");
    await page.evaluate(AXE);
    assert.deepEqual(await page.evaluate("axe.run(document).then(({ violations }) => violations.map(({ id }) => id))"), []);
    await page.press("Escape");
    assert.equal(await page.evaluate("document.querySelector('#q').getAttribute('aria-expanded')"), "false");
    await page.type(" ");
    await page.until("document.querySelector('#q').getAttribute('aria-expanded') === 'true'");
    await page.press("ArrowDown");
    await page.press("Enter");
  });
  assert.match(await page.evaluate("location.pathname"), /^\/(marche|articoli)\//);
});

for (const hasScript of [true, false]) {
  test(`a reader subscribes, confirms, changes and ends it ${hasScript ? "with" : "without"} JavaScript`, async () => {
    const address = `lettore-${hasScript ? "con" : "senza"}@example.com`;
    const page = await open(REFERENCE, { hasScript });
    await page.call("DOM.enable");
    const setValue = async (selector, value) => {
      const { root } = await page.call("DOM.getDocument");
      const { nodeId } = await page.call("DOM.querySelector", { nodeId: root.nodeId, selector });
      await page.call("DOM.focus", { nodeId });
      await page.type(value);
    };
    await setValue("[name=email]", address);
    if (hasScript) {
      await page.press("Enter");
      await page.until("/Controlla la tua posta/.test(document.querySelector('#esito').textContent)");
    } else {
      await page.follow(() => page.press("Enter"));
      assert.equal(await page.text("h1"), "Controlla la tua posta");
    }
    const press = async (value) => {
      await page.follow(async () => {
        const { root } = await page.call("DOM.getDocument");
        const selector = `button[value=${value}]`;
        const { nodeId } = await page.call("DOM.querySelector", { nodeId: root.nodeId, selector });
        await page.call("DOM.focus", { nodeId });
        await page.press("Enter");
      });
    };
    await page.goTo(`${running.siteUrl}/iscrizione?token=${await tokenOf(address, "confirm")}`);
    await press("confirm");
    assert.equal(await page.text("h1"), "Iscrizione confermata");
    await publish({ headline: `Notizia per ${address}`, slug: `notizia-${hasScript ? "con" : "senza"}` });
    const manage = await tokenOf(address, "manage");
    await page.goTo(`${running.siteUrl}/iscrizione?token=${manage}`);
    assert.equal(await page.text("h1"), "Le tue iscrizioni");
    await press("preferences");
    assert.match(await page.text("main"), /Le preferenze sono salvate/);
    await page.goTo(`${running.siteUrl}/iscrizione?token=${await tokenOf(address, "leave")}`);
    await press("unsubscribe");
    assert.equal(await page.text("h1"), "Iscrizione annullata");
    await page.goTo(`${running.siteUrl}/iscrizione?token=${manage}`);
    assert.match(await page.text("main"), /Non hai iscrizioni|Link non più valido/);
  });
}

test("an invalid address is refused with a reason", async () => {
  const page = await open(REFERENCE);
  await page.evaluate("document.querySelector('[name=email]').value = 'non un indirizzo'; document.querySelector('.subscribe form').requestSubmit()");
  await page.until("document.querySelector('#esito.error') !== null");
  const body = new URLSearchParams({ brand: "land-rover", email: "non un indirizzo" });
  const response = await fetch(`${running.siteUrl}/iscrizioni`, { method: "POST", body });
  assert.equal(response.status, 422);
  assert.match(await response.text(), /L’indirizzo non è valido/);
});

test("a list offers new articles with a button, and moves nothing before", async () => {
  const page = await open("/marche/jaguar");
  const first = () => page.evaluate("document.querySelector('[data-list] h2').innerText");
  const before = await first();
  await until(() => page.requests.some(({ url }) => url.includes("/eventi")), "the events of the page");
  await publish({ headline: "Jaguar, una novità", slug: "jaguar-novita", brand: "jaguar" });
  await page.until("document.querySelector('.news button')?.textContent === '1 nuovo articolo'");
  await page.evaluate(AXE);
  assert.deepEqual(await page.evaluate("axe.run(document).then(({ violations }) => violations.map(({ id }) => id))"), []);
  assert.equal(await first(), before);
  await page.evaluate("document.querySelector('.news button').click()");
  await page.until("document.querySelector('[data-list] h2').innerText === 'Jaguar, una novità'");
  assert.equal(await page.evaluate("document.activeElement.innerText"), "Jaguar, una novità");
});

test("a preview link shows a draft that is in no kept page", async () => {
  const draft = await publish({ headline: "Una bozza segreta", slug: "bozza-segreta", status: "draft" });
  const { data } = await editor.request("post", "/v1/articles/{slug_or_id}/preview-links", {
    path: { slug_or_id: draft.id },
    body: {},
  });
  assert.ok(data.url.startsWith(`${running.siteUrl}/anteprima?token=`), data.url);
  const page = await browser.newPage();
  await page.emulate({});
  await page.goTo(data.url);
  assert.equal(await page.text("h1"), "Una bozza segreta");
  assert.match(await page.text(".banner"), /^Anteprima\./);
  await page.evaluate(AXE);
  assert.deepEqual(await page.evaluate("axe.run(document).then(({ violations }) => violations.map(({ id }) => id))"), []);
  const response = await fetch(data.url);
  assert.equal(response.headers.get("cache-control"), "no-store");
  assert.equal(response.headers.get("x-robots-tag"), "noindex");
  assert.equal(response.headers.get("referrer-policy"), "no-referrer");
  assert.ok(![...running.site.store.pages.keys()].some((path) => path.includes("bozza-segreta") || path.includes("anteprima")));
  assert.equal((await fetch(`${running.siteUrl}/articoli/bozza-segreta`)).status, 404);
  await editor.request("delete", "/v1/articles/{slug_or_id}/preview-links/{link_id}", {
    path: { slug_or_id: draft.id, link_id: data.id },
  });
  assert.equal((await fetch(data.url)).status, 410);
});
