// What a front end does with the types of openapi-typescript: `node built/with_openapi_fetch.js DEMO ALTERED`.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

type Article = components["schemas"]["ArticleWithRelated"];
type ArticleList = components["schemas"]["ArticleList"];
type ArticleSummary = components["schemas"]["ArticleSummary"];
type PartialArticleList = components["schemas"]["PartialArticleList"];
type Block = components["schemas"]["Block"];

const [demo = "", altered = ""] = process.argv.slice(2);
const REFERENCE = "jaguar-land-rover-allo-studio-una-fabbrica-per-produrre-batterie";
const WITHDRAWN = "stellantis-il-calendario-dei-porte-aperte";

const connect = (baseUrl: string) =>
  createClient<paths>({ baseUrl, querySerializer: { array: { style: "form", explode: false } } });
const api = connect(demo);

async function pages(): Promise<void> {
  const slugs: string[] = [];
  let cursor: string | null | undefined;
  do {
    const filters = cursor ? { cursor } : { brand: ["land-rover", "jaguar"], sort: "published_at" as const };
    const { data } = await api.GET("/v1/articles", { params: { query: { ...filters, limit: 5 } } });
    assert.ok(data);
    slugs.push(...(data as ArticleList).data.map((item) => item.slug));
    cursor = data.page.next;
  } while (cursor);
  assert.ok(slugs.length > 10);
  assert.equal(new Set(slugs).size, slugs.length);
}

const words = (block: Block): string => {
  switch (block.type) {
    case "paragraph":
      return block.text ?? "";
    default:
      return "";
  }
};

async function whole(): Promise<void> {
  const { data } = await api.GET("/v1/articles/{slug_or_id}", {
    params: { path: { slug_or_id: REFERENCE }, query: { include: ["related", "blocks"] } },
  });
  const article = data?.data as Article;
  assert.equal(article.brand?.name, "Land Rover");
  assert.equal(article.related?.length, 6);
  assert.ok(article.related[0]?.relation.level);
  assert.equal(article.blocks?.map(words).join("\n\n"), article.body_text);
  assert.ok(article.image?.focal?.x);
}

async function withoutBrand(): Promise<void> {
  const { data } = await api.GET("/v1/articles", { params: { query: { limit: 100 } } });
  const items: ArticleSummary[] = (data as ArticleList).data;
  assert.ok(items.some((item) => item.brand === null));
  assert.ok(items.some((item) => item.brand?.slug === "tesla"));
}

async function narrowed(): Promise<void> {
  const { data } = await api.GET("/v1/articles", {
    params: { query: { fields: ["headline", "image.url"], include: ["brand"], limit: 3 } },
  });
  for (const item of (data as PartialArticleList).data) {
    assert.ok(item.id);
    assert.ok(item.headline);
    assert.match(item.image?.url ?? "", /^http/);
    assert.equal(item.slug, undefined);
  }
  assert.equal(data?.data.length, 3);
}

async function newValues(): Promise<void> {
  const { data } = await connect(altered).GET("/v1/articles/{slug_or_id}", {
    params: { path: { slug_or_id: REFERENCE }, query: { include: ["related", "blocks"] } },
  });
  const article = data?.data as Article;
  assert.equal(article.format, "hologram");
  assert.equal(article.blocks?.map(words).join(""), "");
  assert.equal((article as Article & { added?: string }).added, "later");
}

async function problems(): Promise<void> {
  const unknown = await api.GET("/v1/articles/{slug_or_id}", { params: { path: { slug_or_id: "nothing-of-that-name" } } });
  assert.equal(unknown.response.status, 404);
  assert.ok(unknown.error?.type.endsWith("/problems/not-found"));
  const gone = await api.GET("/v1/articles/{slug_or_id}", { params: { path: { slug_or_id: WITHDRAWN } } });
  assert.equal(gone.response.status, 410);
  assert.equal(gone.error?.gone?.action, "withdrawn");
  const refused = await api.GET("/v1/brands", { params: { query: { limit: 1000 } } });
  assert.equal(refused.error?.errors?.[0]?.parameter, "limit");
}

async function terms(): Promise<void> {
  const { data } = await api.GET("/v1/authors/{slug}", {
    params: { path: { slug: "francesco-donnici" }, query: { include: ["articles"] } },
  });
  assert.equal(data?.data.name, "Francesco Donnici");
  assert.ok(data.data.articles?.data[0]?.headline);
}

async function main(): Promise<void> {
  for (const story of [pages, whole, withoutBrand, narrowed, newValues, problems, terms]) {
    await story();
  }
}

void main();
