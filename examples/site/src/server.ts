/** HTTP: what the site answers. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { gunzipSync, gzipSync } from "node:zlib";
import { ProblemError } from "newsapi-client";
import { html } from "./html.js";
import type { Page, Redirect } from "./pages/layout.js";
import { notFoundPage, unavailablePage } from "./pages/notices.js";
import { searchPage, suggest } from "./pages/search.js";
import { expiredPage, outcomePage, subscribe, tokenPage, useToken } from "./pages/subscription.js";
import { report, type Site } from "./site.js";
import type { KeptPage } from "./store.js";

const HTML = "text/html; charset=utf-8";
const MAX_BODY_BYTES = 65_536;
const SHORT_WAIT = { maxWaitMs: 1_000 };

/** The body of a request is too large. */
class TooLarge extends Error {}

type Handler = (call: Call) => Promise<void> | void;

/** A request with its response. */
interface Call {
  readonly site: Site;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
}

/** What is not a kept page. */
const HANDLERS: Readonly<Record<string, Handler>> = {
  "GET /ricerca": async (call) => sendPage(call, await searchPage(call.site.api, call.url.searchParams)),
  "GET /suggerimenti": sendSuggestions,
  "POST /iscrizioni": handleSubscription,
  "GET /iscrizione": async (call) =>
    sendPage(call, await onToken(tokenPage(call.site.api.with(SHORT_WAIT), call.url.searchParams.get("token") ?? ""))),
  "POST /iscrizione": async (call) => sendPage(call, await onToken(useToken(call.site.api, await readForm(call)))),
  "GET /anteprima": sendPreview,
  "GET /eventi": ({ site, url, response }) => site.live.listen(url.searchParams.get("pagina") ?? "/", response),
  "POST /webhook": handleWebhook,
  "GET /robots.txt": sendRobots,
  "GET /icona.svg": (call) => send(call, 200, "image/svg+xml", call.site.assets.icon, { "cache-control": "max-age=86400" }),
};

/** Return the server of a site; it does not listen yet. */
export function createSiteServer(site: Site): Server {
  const headers = securityHeaders(site);
  return createServer((request, response) => {
    response.setHeaders(headers);
    const target = (request.url ?? "/").replace(/^\/+/, "/");
    const url = new URL(URL.canParse(target, site.config.siteUrl) ? target : "/non-valido/", site.config.siteUrl);
    const call = { site, request, response, url };
    answer(call).catch((error: unknown) => {
      if (error instanceof TooLarge) return send(call, 413, "text/plain", Buffer.alloc(0), { connection: "close" });
      report(error);
      if (response.headersSent) response.destroy();
      else sendPage(call, unavailablePage());
    });
  });
}

async function answer(call: Call): Promise<void> {
  const { request, url, site } = call;
  const method = request.method === "HEAD" ? "GET" : (request.method ?? "GET");
  const handler = HANDLERS[`${method} ${url.pathname}`];
  if (handler) return handler(call);
  if (method !== "GET") {
    const allowed = HANDLERS[`POST ${url.pathname}`] ? "POST" : "GET, HEAD";
    return send(call, 405, "text/plain", Buffer.alloc(0), { allow: allowed });
  }
  const asset = site.assets.files.get(url.pathname);
  if (asset) {
    const body = asset.isGzip && !acceptsGzip(call) ? gunzipSync(asset.body) : asset.body;
    return send(call, 200, asset.type, body, {
      "cache-control": "public, max-age=31536000, immutable",
      ...(asset.isGzip && acceptsGzip(call) ? { "content-encoding": "gzip" } : {}),
    });
  }
  const path = keptPath(url);
  if (path === null) return sendPage(call, notFoundPage());
  sendKept(call, await site.store.get(path));
}

/** Return the path under which the page of a URL is kept; null if there is none. Unknown parameters are ignored. */
function keptPath({ pathname, searchParams }: URL): string | null {
  const cursor = searchParams.get("cursor");
  const path = pathname.length > 1 ? pathname.replace(/\/+$/, "") || "/" : pathname;
  if (!/^\/(\w+(\/[a-z0-9-]{1,200})?)?$/.test(path)) return null;
  if (cursor === null || path === "/") return path;
  return /^[\w-]{1,2000}$/.test(cursor) ? `${path}?cursor=${cursor}` : null;
}

function sendKept(call: Call, page: KeptPage): void {
  const headers = { etag: page.etag, "cache-control": "public, max-age=0, must-revalidate", vary: "accept-encoding" };
  if (page.location) return send(call, page.status, HTML, Buffer.alloc(0), { ...headers, location: page.location });
  const seen = call.request.headers["if-none-match"] ?? "";
  if (page.status === 200 && seen.includes(page.etag)) return send(call, 304, HTML, Buffer.alloc(0), headers);
  sendCompressed(call, page.status, page.gzip, headers);
}

/** Send a page that is not kept. */
function sendPage(call: Call, page: Page | Redirect, banner?: ReturnType<typeof html>): void {
  const headers: Record<string, string> = { "cache-control": "no-store" };
  if (page.status === 308) {
    return send(call, 308, HTML, Buffer.alloc(0), { ...headers, location: (page as Redirect).location });
  }
  if (page.status === 503) headers["retry-after"] = "30";
  if (call.url.searchParams.has("token")) headers["referrer-policy"] = "no-referrer";
  sendCompressed(call, page.status, gzipSync(call.site.document(page as Page, banner)), headers);
}

async function sendSuggestions(call: Call): Promise<void> {
  const suggestions = await suggest(call.site.api, call.url.searchParams.get("q") ?? "").catch(() => null);
  sendJson(call, suggestions === null ? 503 : 200, suggestions ?? []);
}

async function sendPreview(call: Call): Promise<void> {
  const { searchParams } = call.url;
  const page = await call.site.preview(searchParams.get("token") ?? "", searchParams.get("path") ?? "");
  call.response.setHeader("x-robots-tag", "noindex");
  sendPage(
    call,
    page,
    html`<aside class="banner" aria-label="Anteprima"><strong>Anteprima.</strong> Questa versione non è pubblicata: non condividerne l’indirizzo.</aside>`,
  );
}

async function handleSubscription(call: Call): Promise<void> {
  const { site, request } = call;
  const form = await readForm(call);
  const addresses = [request.headers["x-forwarded-for"], request.socket.remoteAddress].filter(Boolean).join(", ");
  const outcome = await subscribe(site.api, site.config.siteUrl, form, addresses);
  if (request.headers.accept === "application/json") return sendJson(call, outcome.status, outcome);
  sendPage(call, outcomePage(outcome, form.get("source")));
}

/** Show the page of a token, or that it has expired. */
async function onToken(page: Promise<Page>): Promise<Page> {
  try {
    return await page;
  } catch (error) {
    if (error instanceof ProblemError && error.status < 500 && error.status !== 429) return expiredPage();
    throw error;
  }
}

async function handleWebhook(call: Call): Promise<void> {
  const { site, request, response, url } = call;
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) headers.set(name, String(value));
  const answer = await site.revalidate(new Request(url, { method: "POST", headers, body: new Uint8Array(await readBody(call)) }));
  response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
}

function sendRobots(call: Call): void {
  const { apiUrl } = call.site.config;
  const text = `User-agent: *\nDisallow: /ricerca\nDisallow: /anteprima\nDisallow: /iscrizion\n\nSitemap: ${apiUrl}/sitemap.xml\n`;
  send(call, 200, "text/plain; charset=utf-8", Buffer.from(text), { "cache-control": "max-age=3600" });
}

async function readForm(call: Call): Promise<URLSearchParams> {
  return new URLSearchParams((await readBody(call)).toString());
}

async function readBody({ request }: Call): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new TooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function sendJson(call: Call, status: number, value: unknown): void {
  send(call, status, "application/json", Buffer.from(JSON.stringify(value)), { "cache-control": "no-store" });
}

function sendCompressed(call: Call, status: number, gzip: Buffer, headers: Record<string, string>): void {
  if (acceptsGzip(call)) send(call, status, HTML, gzip, { ...headers, "content-encoding": "gzip" });
  else send(call, status, HTML, gunzipSync(gzip), headers);
}

function send({ request, response }: Call, status: number, type: string, body: Buffer, headers: Record<string, string>): void {
  const described = status === 304 ? headers : { "content-type": type, "content-length": String(body.length), ...headers };
  response.writeHead(status, described).end(request.method === "HEAD" ? undefined : body);
}

function acceptsGzip({ request }: Call): boolean {
  return /\bgzip\b/.test(String(request.headers["accept-encoding"] ?? ""));
}

/** Return the headers of all responses: nothing is loaded from elsewhere but pictures, and no inline script runs. */
function securityHeaders({ config }: Site): Map<string, string> {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "font-src 'self'",
    `img-src 'self' ${config.imageOrigins.join(" ")}`,
    `media-src ${config.imageOrigins.join(" ")}`,
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  return new Map([
    ["content-security-policy", policy.join("; ")],
    ["x-content-type-options", "nosniff"],
    ["referrer-policy", "strict-origin-when-cross-origin"],
    ["cross-origin-opener-policy", "same-origin"],
  ]);
}
