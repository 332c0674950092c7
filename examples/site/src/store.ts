/** The kept pages: each is built once, and again when an event names one of its tags. */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

/** What a build returns. */
export interface Built {
  readonly status: number;
  readonly html: string;
  /** Where a redirect leads. */
  readonly location?: string | undefined;
  /** The surrogate keys of all responses that the page was built from. */
  readonly tags: readonly string[];
}

/** A page, ready to be sent. */
export interface KeptPage {
  readonly status: number;
  readonly location?: string | undefined;
  readonly gzip: Buffer;
  readonly etag: string;
  readonly tags: ReadonlySet<string>;
}

interface Stored extends Built {
  readonly path: string;
}

const KEPT_STATUSES = [200, 308, 410];
const MAX_PAGES = 5_000;
const CONCURRENT_BUILDS = 4;

export class PageStore {
  readonly #pages = new Map<string, KeptPage>();
  readonly #builds = new Map<string, Promise<KeptPage>>();
  /** What was invalidated while pages were being built. */
  #invalidations: ReadonlySet<string>[] = [];

  /**
   * @param folder - Where pages are kept over a restart.
   * @param build - Builds the page of a path.
   * @param onRebuilt - Learns of each page that was built again.
   */
  constructor(
    readonly folder: string,
    readonly build: (path: string) => Promise<Built>,
    readonly onRebuilt: (path: string) => void,
  ) {
    mkdirSync(folder, { recursive: true });
    for (const file of readdirSync(folder).filter((name) => name.endsWith(".page"))) {
      const stored = JSON.parse(readFileSync(join(folder, file), "utf8")) as Stored;
      this.#pages.set(stored.path, toKept(stored));
    }
  }

  /** The paths of the kept pages, with their tags. */
  get pages(): ReadonlyMap<string, KeptPage> {
    return this.#pages;
  }

  /** Return the kept page, or build it. */
  async get(path: string): Promise<KeptPage> {
    return this.#pages.get(path) ?? (await this.#build(path));
  }

  /** Build the pages again that have one of the tags. */
  async invalidate(tags: readonly string[]): Promise<void> {
    const invalidated = new Set(tags);
    if (this.#builds.size > 0) this.#invalidations.push(invalidated);
    await this.rebuild([...this.#pages].filter(([, page]) => hasOneOf(page.tags, invalidated)).map(([path]) => path));
  }

  /** Build pages again, some at a time. If one fails, the others are built, and the first error is thrown. */
  async rebuild(paths: Iterable<string> = [...this.#pages.keys()]): Promise<void> {
    const queue = [...paths];
    const errors: unknown[] = [];
    const work = async (): Promise<void> => {
      for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
        try {
          await this.#build(path);
          this.onRebuilt(path);
        } catch (error) {
          errors.push(error);
        }
      }
    };
    await Promise.all(Array.from({ length: CONCURRENT_BUILDS }, work));
    if (errors.length > 0) throw errors[0];
  }

  /** Build a page. Requests for a page that is being built wait for the same build. */
  #build(path: string): Promise<KeptPage> {
    const running = this.#builds.get(path);
    if (running) return running;
    const build = this.#buildUntilCurrent(path).finally(() => {
      this.#builds.delete(path);
      if (this.#builds.size === 0) this.#invalidations = [];
    });
    this.#builds.set(path, build);
    return build;
  }

  /** Build a page, and again if what it was built from was invalidated in the meantime. */
  async #buildUntilCurrent(path: string): Promise<KeptPage> {
    for (;;) {
      const start = this.#invalidations.length;
      const built = await this.build(path);
      const page = toKept(built);
      if (this.#invalidations.slice(start).some((tags) => hasOneOf(page.tags, tags))) continue;
      if (KEPT_STATUSES.includes(page.status)) this.#keep(path, built, page);
      else this.#remove(path);
      return page;
    }
  }

  #keep(path: string, built: Built, page: KeptPage): void {
    if (this.#pages.get(path)?.etag !== page.etag || !sameTags(this.#pages.get(path), page)) {
      const file = this.#file(path);
      writeFileSync(`${file}.new`, JSON.stringify({ path, ...built }));
      renameSync(`${file}.new`, file);
    }
    this.#pages.set(path, page);
    const [oldest] = this.#pages.keys();
    if (this.#pages.size > MAX_PAGES && oldest !== undefined) this.#remove(oldest);
  }

  #remove(path: string): void {
    if (this.#pages.delete(path)) rmSync(this.#file(path), { force: true });
  }

  #file(path: string): string {
    return join(this.folder, `${createHash("sha256").update(path).digest("hex")}.page`);
  }
}

function toKept({ status, html, location, tags }: Built): KeptPage {
  const etag = `"${createHash("sha256").update(html).digest("base64url").slice(0, 22)}"`;
  return { status, location, gzip: gzipSync(html, { level: 9 }), etag, tags: new Set(tags) };
}

function hasOneOf(tags: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  for (const tag of others) if (tags.has(tag)) return true;
  return false;
}

function sameTags(page: KeptPage | undefined, { tags }: KeptPage): boolean {
  return page !== undefined && page.tags.size === tags.size && [...tags].every((tag) => page.tags.has(tag));
}
