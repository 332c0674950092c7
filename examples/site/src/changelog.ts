/** Comparison with the changelog of the API: a change that no event has named means that an event was missed. */
import { type Change, type Client, ProblemError } from "newsapi-client";
import type { WebhookEvent } from "newsapi-client/webhooks";

const TYPES = ["article", "brand", "section", "author", "tag"] as const;

/** How long an event may take before it counts as missed, in milliseconds. */
const GRACE_MS = 30_000;

interface Pending {
  readonly seq: number;
  readonly tag: string;
  readonly since: number;
}

/** What a comparison has found. */
export interface Comparison {
  /** Whether pages may be outdated although no event came. */
  readonly isBehind: boolean;
  /** Whether the API has started again with other content, so that what the client knows of it is void. */
  readonly isReset: boolean;
}

export class Changelog {
  #pending: Pending[] = [];
  /** The number of the last event that named a tag. */
  readonly #named = new Map<string, number>();

  /** @param cursor - The position in the changelog up to which the kept pages are current. */
  constructor(public cursor: string | undefined) {}

  /** Learn of an event that was handled. */
  handled(event: WebhookEvent): void {
    if (event.type !== "cache.invalidated") return;
    const { seq, tags } = event.data;
    for (const tag of tags) this.#named.set(tag, Math.max(seq, this.#named.get(tag) ?? 0));
  }

  /** Read on in the changelog. Without a position, take that of now. */
  async compare(api: Client, graceMs = GRACE_MS): Promise<Comparison> {
    try {
      if (this.cursor === undefined) {
        await this.#goToEnd(api);
        return { isBehind: true, isReset: false };
      }
      for await (const page of api.changes({ cursor: this.cursor, limit: 1000, fields: "id" }).pages()) {
        this.#pending.push(...page.data.map(toPending));
        for (const { seq } of page.data) api.sawEvent({ data: { seq } });
        this.cursor = page.cursor;
      }
    } catch (error) {
      if (!(error instanceof ProblemError && error.code === "cursor-expired")) throw error;
      this.cursor = undefined;
      this.#pending = [];
      this.#named.clear();
      return { isBehind: true, isReset: true };
    }
    this.#pending = this.#pending.filter(({ tag, seq }) => (this.#named.get(tag) ?? 0) < seq);
    if (this.#pending.length === 0) this.#named.clear();
    const isBehind = this.#pending.some(({ since }) => Date.now() - since >= graceMs);
    if (isBehind) this.#pending = [];
    return { isBehind, isReset: false };
  }

  async #goToEnd(api: Client): Promise<void> {
    let seq = 0;
    const options = { onResponse: (info: { seq: number | null }) => (seq = info.seq ?? 0) };
    await api.articles({ limit: 1, fields: "id" }, options).page();
    this.cursor = (await api.changes({ since: seq, types: TYPES, fields: "id" }).page()).cursor;
  }
}

function toPending({ seq, type, id, slug }: Change): Pending {
  return { seq, tag: type === "article" ? `article:${id}` : `${type}:${slug}`, since: Date.now() };
}
