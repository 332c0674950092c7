/** The site: which path shows what, the kept pages, and how they stay current. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Client, createClient, ProblemError } from "newsapi-client";
import { createRevalidateHandler } from "newsapi-client/webhooks";
import { loadAssets } from "./assets.js";
import { Changelog } from "./changelog.js";
import type { Config } from "./config.js";
import { html } from "./html.js";
import { Live } from "./live.js";
import { NAVIGATION, PATHS, pathOf, type Terms } from "./magazine.js";
import { articlePage } from "./pages/article.js";
import { homePage } from "./pages/home.js";
import { type Page, type Redirect, renderDocument } from "./pages/layout.js";
import { gonePage, noticePage, notFoundPage } from "./pages/notices.js";
import { brandsPage, termPage } from "./pages/terms.js";
import { type Built, PageStore } from "./store.js";

/** What the folder of the store says about its pages. */
interface State {
  /** What the pages look like: another value after the site was changed. */
  readonly version?: string;
  readonly cursor?: string;
}

export class Site {
  readonly assets = loadAssets();
  readonly live = new Live();
  readonly store: PageStore;
  readonly #changelog: Changelog;
  readonly #stateFile: string;
  readonly #version: string;
  #storedVersion: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  #api!: Client;

  constructor(readonly config: Config) {
    this.store = new PageStore(
      config.storeFolder,
      (path) => this.#build(path),
      (path) => this.live.notify(path),
    );
    this.#stateFile = join(config.storeFolder, "state.json");
    const state = readState(this.#stateFile);
    this.#changelog = new Changelog(state.cursor);
    this.#storedVersion = state.version;
    this.#connect();
    this.#version = createHash("sha256").update(this.document(notFoundPage())).update(readSources()).digest("base64url");
  }

  /** The client for requests that no kept page answers. */
  get api(): Client {
    return this.#api;
  }

  /** Handle calls of the webhook: build again what an event names, before the call is answered. */
  revalidate!: (request: Request) => Promise<Response>;

  /** Catch up with what happened while the site was not running, and compare with the changelog from now on. */
  async start(): Promise<void> {
    await this.#catchUp(0);
    await this.#warmUp().catch(report);
    this.#compareLater();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.live.close();
  }

  /** Return the document of a page. */
  document(page: Page, banner?: Parameters<typeof renderDocument>[3]): string {
    return renderDocument(page, this.config, this.assets, banner);
  }

  /** Return the preview of a draft. It is never kept. */
  async preview(token: string, path: string): Promise<Page | Redirect> {
    const [, kind, slug] = path.split("/");
    if (kind !== PATHS.articles || !slug) return notFoundPage();
    try {
      return await articlePage(this.#api, this.config, slug, token);
    } catch (error) {
      if (!(error instanceof ProblemError) || error.status >= 500) throw error;
      if (error.code !== "token-expired") return notFoundPage();
      return noticePage(410, "Anteprima scaduta", html`<p>Chiedi alla redazione un nuovo link.</p>`);
    }
  }

  /** Start with a client that knows of no change. */
  #connect(): void {
    const { apiUrl, webhookSecret } = this.config;
    const client = createClient({ baseUrl: apiUrl, maxWaitMs: 3_000 });
    this.#api = client;
    this.revalidate = createRevalidateHandler({
      secrets: webhookSecret,
      client,
      revalidate: (tags) => this.store.invalidate(tags),
      refetch: (event) => this.#changelog.handled(event),
    });
  }

  /** Build a page, with the surrogate keys of all responses that it was built from. */
  async #build(path: string): Promise<Built> {
    const tags = new Set<string>();
    const api = this.#api.with({ onResponse: (info) => info.tags.forEach((tag) => tags.add(tag)) });
    const page = await this.#page(api, path).catch(noPage);
    if (page.status === 308) {
      const { location } = page as Redirect;
      return { status: 308, html: "", location, tags: [...tags] };
    }
    return { status: page.status, html: this.document(page as Page), tags: [...tags] };
  }

  async #page(api: Client, path: string): Promise<Page | Redirect> {
    const { pathname, searchParams } = new URL(path, this.config.siteUrl);
    if (pathname === "/") return homePage(api, this.config);
    if (pathname === "/marche") return brandsPage(api, this.config);
    const [, segment, slug = "", ...more] = pathname.split("/");
    const kind = Object.entries(PATHS).find(([, name]) => name === segment)?.[0] as Terms | "articles" | undefined;
    if (!kind || more.length > 0 || !/^[a-z0-9-]{1,200}$/.test(slug)) return notFoundPage();
    if (kind === "articles") return articlePage(api, this.config, slug);
    return termPage(api, this.config, kind, slug, searchParams.get("cursor"));
  }

  /** Compare with the changelog; build all kept pages again if an event was missed. */
  async #catchUp(graceMs?: number): Promise<void> {
    try {
      const { isBehind, isReset } = await this.#changelog.compare(this.#api, graceMs);
      if (isReset) {
        this.#connect();
        await this.#changelog.compare(this.#api);
      }
      if (isBehind || this.#storedVersion !== this.#version) await this.store.rebuild();
      this.#storedVersion = this.#version;
      const state: State = { version: this.#version, ...(this.#changelog.cursor ? { cursor: this.#changelog.cursor } : {}) };
      writeFileSync(this.#stateFile, JSON.stringify(state));
    } catch (error) {
      report(error); // the kept pages are served; the next comparison tries again
    }
  }

  #compareLater(): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => void this.#catchUp().finally(() => this.#compareLater()), this.config.checkSeconds * 1000);
    this.#timer.unref();
  }

  /** Build the pages that readers want first. All others are built on request. */
  async #warmUp(): Promise<void> {
    const paths = ["/", "/marche", ...NAVIGATION.map(([, slug]) => pathOf("sections", slug))];
    for (const { slug } of (await this.#api.articles({ limit: 100 }).page()).data) paths.push(pathOf("articles", slug));
    for await (const { slug } of this.#api.brands({ limit: 100 })) paths.push(pathOf("brands", slug));
    for (const path of paths) await this.store.get(path);
  }
}

/** Return the page for a resource that is not there; throw what else went wrong. */
function noPage(error: unknown): Page {
  if (!(error instanceof ProblemError)) throw error;
  if (error.gone) return gonePage(error.gone);
  if (error.status === 404 || error.status === 410 || error.status === 400) return notFoundPage();
  throw error;
}

/** Return the code of the site: pages that another version has built are built again. */
function readSources(): string {
  const folder = fileURLToPath(new URL(".", import.meta.url));
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".js"));
  return names.sort().map((name) => readFileSync(join(folder, name), "utf8")).join("");
}

function readState(file: string): State {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as State;
  } catch {
    return {};
  }
}

export function report(error: unknown): void {
  console.error(error instanceof Error ? `${error.name}: ${error.message}` : error);
}
