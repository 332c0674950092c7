/** A site with its webhook, and an editor who writes. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "newsapi-client";
import { readConfig } from "../dist/config.js";
import { createSiteServer } from "../dist/server.js";
import { Site } from "../dist/site.js";

export const API_URL = process.env.SITE_API_URL ?? "http://127.0.0.1:8000";
export const editor = createClient({ baseUrl: API_URL, key: process.env.SITE_API_KEY ?? "", timeoutMs: 30_000 });

export const REFERENCE = "/articoli/jaguar-land-rover-allo-studio-una-fabbrica-per-produrre-batterie";

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Return the paths of the kept pages that have one of the tags. */
function touchedBy(site, tags) {
  return [...site.store.pages].filter(([, page]) => tags.some((tag) => page.tags.has(tag))).map(([path]) => path);
}

/**
 * Start a site with a webhook of its own. `calls` are the events that it has answered, `running` those that it has not,
 * `builds` the paths of the pages that it has built again.
 */
export async function startSite() {
  const port = Number(process.env.SITE_PORT ?? (await freePort()));
  const siteUrl = `http://127.0.0.1:${port}`;
  const { data: webhook } = await editor.request("post", "/v1/webhooks", {
    body: { url: `${siteUrl}/webhook`, events: ["cache.invalidated"] },
  });
  const folder = mkdtempSync(join(tmpdir(), "site-store-"));
  const config = readConfig({
    SITE_API_URL: API_URL,
    SITE_PORT: String(port),
    SITE_WEBHOOK_SECRET: webhook.secret,
    SITE_STORE: folder,
  });
  const site = new Site(config);
  const builds = [];
  const { build } = site.store;
  site.store.build = (path) => {
    if (site.store.pages.has(path)) builds.push(path);
    return build(path);
  };
  const calls = [];
  const running = new Set();
  const { revalidate } = site;
  site.revalidate = async (request) => {
    const body = await request.clone().json().catch(() => null);
    const tags = body?.data?.tags ?? [];
    const call = { seq: body?.data?.seq, tags, touched: touchedBy(site, tags) };
    running.add(call);
    const response = await revalidate(request).finally(() => running.delete(call));
    if (response.status === 200) calls.push(call);
    return response;
  };
  const server = createSiteServer(site);
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  await site.start();
  const stop = async () => {
    site.stop();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await editor.request("delete", "/v1/webhooks/{id}", { path: { id: webhook.id }, timeoutMs: 2000 }).catch(() => undefined);
    rmSync(folder, { recursive: true, force: true });
  };
  return { site, siteUrl, config, builds, calls, running, stop };
}

/** Return a site that keeps nothing of what the other knows, to build pages anew. */
export function freshSite(config) {
  return new Site({ ...config, storeFolder: mkdtempSync(join(tmpdir(), "site-fresh-")) });
}

/** Publish an article of the editor. */
export async function publish(fields) {
  const { data } = await editor.request("post", "/v1/articles", {
    body: {
      language: "it",
      standfirst: "Una prova.",
      body_html: "<p>Il testo della prova, con l'apostrofo.</p>",
      brand: "land-rover",
      section: "prove",
      authors: ["elena-riva"],
      tags: ["suv"],
      status: "published",
      ...fields,
    },
  });
  return data;
}

/** Change an article of the editor. */
export async function change(article, fields) {
  const { data } = await editor.request("patch", "/v1/articles/{slug_or_id}", {
    path: { slug_or_id: article.id },
    headers: { "If-Match": `"v${article.version}"` },
    body: fields,
  });
  return data;
}

/** Wait until a condition holds. */
export async function until(condition, what, seconds = 30) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`not within ${seconds} seconds: ${what}`);
}
