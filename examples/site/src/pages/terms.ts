/** Pages of brands, sections and authors, and the index of brands. */
import type { Author, Brand, Client, Section } from "newsapi-client";
import type { Config } from "../config.js";
import { type Html, html } from "../html.js";
import { pathOf, type Terms } from "../magazine.js";
import { count, typeset } from "../typography.js";
import { CARD_SIZES, card } from "./cards.js";
import type { Page, Redirect } from "./layout.js";
import { picture } from "./pictures.js";
import { subscriptionForm } from "./subscription.js";

const FILTERS = { brands: "brand", sections: "section", authors: "author" } as const;

/** Return the page of a term with its articles; a redirect from a former slug. */
export async function termPage(
  api: Client,
  config: Config,
  kind: Terms,
  slug: string,
  cursor: string | null,
): Promise<Page | Redirect> {
  const [term, articles] = await Promise.all([
    readTerm(api, kind, slug),
    api.articles(cursor === null ? { [FILTERS[kind]]: slug, limit: 12 } : { cursor, limit: 12 }).page(),
  ]);
  const path = pathOf(kind, term.slug);
  const query = cursor === null ? "" : `?cursor=${cursor}`;
  if (term.slug !== slug) return { status: 308, location: path + query };
  const { next } = articles.page;
  return {
    status: 200,
    kind: "term",
    title: cursor === null ? term.name : `${term.name}, articoli precedenti`,
    description: introduction(term) ?? `Tutti gli articoli: ${term.name}.`,
    canonical: config.siteUrl + path + query,
    isLive: cursor === null,
    head: html`<link rel="alternate" type="application/rss+xml" title="${term.name}" href="${config.apiUrl}/v1/feeds/articles.rss?${FILTERS[kind]}=${term.slug}">`,
    main: html`<div class="wrap">
<header class="intro">
${portrait(term)}
<div><h1>${typeset(term.name)}</h1>
${introduction(term) && html`<p class="lede">${typeset(introduction(term) ?? "")}</p>`}
<p class="meta">${count(term.article_count, "articolo", "articoli")}${"parent" in term && term.parent && html` · <a href="${pathOf("brands", term.parent.slug)}">${typeset(term.parent.name)}</a>`}</p>
</div></header>
${articles.data.length ? html`<div class="grid" data-list>${articles.data.map((article, index) => card(article, { level: 2, sizes: CARD_SIZES, isFirst: index === 0 }))}</div>` : html`<p>Non ci sono ancora articoli.</p>`}
${next && html`<p class="more"><a rel="next" href="${path}?cursor=${next}">Articoli precedenti</a></p>`}
${kind === "brands" && "subscription" in term && subscriptionForm(term, path)}
</div>`,
  };
}

/** Return the page of all brands. */
export async function brandsPage(api: Client, config: Config): Promise<Page> {
  const brands = [];
  for await (const brand of api.brands({ limit: 100 })) brands.push(brand);
  return {
    status: 200,
    kind: "brands",
    title: "Tutte le marche",
    description: "Le case automobilistiche di cui scriviamo, in ordine alfabetico.",
    canonical: `${config.siteUrl}/marche`,
    main: html`<div class="wrap">
<header class="intro"><div><h1>Tutte le marche</h1></div></header>
<ul class="index">${brands.map(
      ({ slug, name, article_count, description, logo }) => html`<li>
<a href="${pathOf("brands", slug)}">${logo ? picture(logo, { shape: "1x1", sizes: "64px", isDecorative: true }) : html`<span class="initial" aria-hidden="true">${name[0]}</span>`}<strong>${typeset(name)}</strong></a>
${description && html`<p>${typeset(description)}</p>`}
<small>${count(article_count, "articolo", "articoli")}</small></li>`,
    )}</ul>
</div>`,
  };
}

function readTerm(api: Client, kind: Terms, slug: string): Promise<Brand | Section | Author> {
  if (kind === "brands") return api.brand(slug);
  return kind === "sections" ? api.section(slug) : api.author(slug);
}

function introduction(term: Brand | Section | Author): string | null {
  if ("description" in term && typeof term.description === "string") return term.description;
  return "bio" in term ? term.bio : null;
}

function portrait(term: Brand | Section | Author): Html | null {
  const image = "logo" in term ? term.logo : "avatar" in term ? term.avatar : null;
  return image && picture(image, { shape: "1x1", sizes: "112px", isDecorative: true });
}
