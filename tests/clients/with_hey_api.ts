// What a front end does with the functions of @hey-api/openapi-ts: `node built/with_hey_api.js DEMO ALTERED`.
import assert from "node:assert/strict";
import { getArticle, getAuthor, listArticles, listBrands } from "./hey_api";
import type { ArticleList, ArticleSummary, ArticleWithRelated, Block, PartialArticleList } from "./hey_api";
import { client } from "./hey_api/client.gen";

const [demo = "", altered = ""] = process.argv.slice(2);
const REFERENCE = "jaguar-land-rover-allo-studio-una-fabbrica-per-produrre-batterie";
const WITHDRAWN = "stellantis-il-calendario-dei-porte-aperte";

async function pages(): Promise<void> {
  const slugs: string[] = [];
  let cursor: string | null | undefined;
  do {
    const filters = cursor ? { cursor } : { brand: ["land-rover", "jaguar"], sort: "published_at" as const };
    const { data } = await listArticles({ query: { ...filters, limit: 5 } });
    assert.ok(data);
    slugs.push(...(data as ArticleList).data.map((item) => item.slug));
    cursor = data.page.next;
  } while (cursor);
  assert.ok(slugs.length > 10);
  assert.equal(new Set(slugs).size, slugs.length);
}

const words = (block: Block): string => (block.type === "paragraph" ? (block.text ?? "") : "");

async function whole(): Promise<void> {
  const { data } = await getArticle({ path: { slug_or_id: REFERENCE }, query: { include: ["related", "blocks"] } });
  const article = data?.data as ArticleWithRelated;
  assert.equal(article.brand?.name, "Land Rover");
  assert.equal(article.related?.length, 6);
  assert.ok(article.related[0]?.relation.level);
  assert.equal(article.blocks?.map(words).join("\n\n"), article.body_text);
}

async function withoutBrand(): Promise<void> {
  const { data } = await listArticles({ query: { limit: 100 } });
  const items: ArticleSummary[] = (data as ArticleList).data;
  assert.ok(items.some((item) => item.brand === null));
  assert.ok(items.some((item) => item.brand?.slug === "tesla"));
}

async function narrowed(): Promise<void> {
  const { data } = await listArticles({ query: { fields: ["headline", "image.url"], include: ["brand"], limit: 3 } });
  for (const item of (data as PartialArticleList).data) {
    assert.ok(item.id);
    assert.ok(item.headline);
    assert.match(item.image?.url ?? "", /^http/);
    assert.equal(item.slug, undefined);
  }
  assert.equal(data?.data.length, 3);
}

async function newValues(): Promise<void> {
  const { data } = await getArticle({
    baseUrl: altered,
    path: { slug_or_id: REFERENCE },
    query: { include: ["related", "blocks"] },
  });
  const article = data?.data as ArticleWithRelated & { added?: string };
  assert.equal(article.format, "hologram");
  assert.equal(article.blocks?.map(words).join(""), "");
  assert.equal(article.added, "later");
}

async function problems(): Promise<void> {
  const unknown = await getArticle({ path: { slug_or_id: "nothing-of-that-name" } });
  assert.equal(unknown.response?.status, 404);
  assert.ok(unknown.error?.type.endsWith("/problems/not-found"));
  const gone = await getArticle({ path: { slug_or_id: WITHDRAWN } });
  assert.equal(gone.response?.status, 410);
  assert.equal(gone.error?.gone?.action, "withdrawn");
  const refused = await listBrands({ query: { limit: 1000 } });
  assert.equal(refused.error?.errors?.[0]?.parameter, "limit");
}

async function terms(): Promise<void> {
  const { data } = await getAuthor({ path: { slug: "francesco-donnici" }, query: { include: ["articles"] } });
  assert.equal(data?.data.name, "Francesco Donnici");
  assert.ok(data.data.articles?.data[0]?.headline);
}

async function main(): Promise<void> {
  client.setConfig({ baseUrl: demo });
  for (const story of [pages, whole, withoutBrand, narrowed, newValues, problems, terms]) {
    await story();
  }
}

void main();
