/** The page of an article. */
import { type Article, type Brand, type Client, displayDate } from "newsapi-client";
import type { Config } from "../config.js";
import { type Html, html, jsonLd, type Part } from "../html.js";
import { pathOf } from "../magazine.js";
import { typeset, typesetMarkup } from "../typography.js";
import { CARD_SIZES, card, dateTime } from "./cards.js";
import type { Page, Redirect } from "./layout.js";
import { caption, picture, wholePicture } from "./pictures.js";
import { subscriptionForm } from "./subscription.js";

/** Return the page of an article; a redirect from a former slug. With a token, a draft is shown. */
export async function articlePage(
  api: Client,
  config: Config,
  slug: string,
  preview?: string,
): Promise<Page | Redirect> {
  const article = await api.article(slug, {
    include: ["related", "jsonld", "brand"],
    related_limit: 6,
    preview,
  });
  const path = pathOf("articles", article.slug);
  if (article.slug !== slug && !preview) return { status: 308, location: path };
  const { image, seo } = article;
  const title = seo.title ?? article.headline;
  const description = seo.description ?? article.standfirst;
  const canonical = article.canonical_url ?? config.siteUrl + path;
  const isListed = !preview && !/noindex/.test(seo.robots ?? "");
  const brand = article.brand as Brand | null;
  return {
    status: 200,
    kind: "story",
    title,
    description,
    canonical: isListed ? canonical : undefined,
    head: html`<meta property="og:type" content="article">
<meta property="og:title" content="${typeset(title)}">
${description && html`<meta property="og:description" content="${typeset(description)}">`}
<meta property="og:url" content="${canonical}">
${image && html`<meta property="og:image" content="${image.url}">${image.alt && html`<meta property="og:image:alt" content="${typeset(image.alt)}">`}`}
<meta name="twitter:card" content="summary_large_image">
${article.published_at && html`<meta property="article:published_time" content="${article.published_at}">`}
${"jsonld" in article && article.jsonld ? jsonLd(article.jsonld) : null}`,
    main: html`<article class="story" lang="${article.language}">
<header class="wrap">
<p class="label">${article.section && html`<a href="${pathOf("sections", article.section.slug)}">${typeset(article.section.name)}</a>`}${brand && html`<a class="format" href="${pathOf("brands", brand.slug)}">${typeset(brand.name)}</a>`}</p>
<h1>${typeset(article.headline)}</h1>
${article.standfirst && html`<p class="standfirst">${typeset(article.standfirst)}</p>`}
${byline(article)}
</header>
${image && html`<figure class="hero">${picture(image, { shape: "16x9", sizes: "(min-width: 70rem) 1080px, 100vw", isFirst: true })}${caption(image.caption, image.credit)}</figure>`}
${article.corrections.length > 0 && corrections(article)}
<div class="body">${typesetMarkup(withOwnLinks(article.body_html ?? ""))}</div>
${media(article)}
${article.source && html`<p class="source">Fonte: ${article.source.url ? html`<a href="${article.source.url}">${article.source.name}</a>` : article.source.name}</p>`}
${article.tags.length > 0 && html`<ul class="tags" aria-label="Argomenti">${article.tags.map(({ name }) => html`<li><a href="/ricerca?q=${encodeURIComponent(name)}">${typeset(name)}</a></li>`)}</ul>`}
${brand && subscriptionForm(brand, path)}
</article>
${related(article, brand)}`,
  };
}

/** Let links to own articles lead to their pages on this site, wherever they led when they were written. */
function withOwnLinks(markup: string): string {
  return markup.replace(/<a href="[^"]*?([a-z0-9-]+)\/?(?=[?#"])[^"]*"(?=[^>]* data-article-id=)/g, (_, slug: string) => {
    return `<a href="${pathOf("articles", slug)}"`;
  });
}

/** Return the by-line of the API, with links on the names. */
function byline(article: Article): Html {
  let parts: Part[] = [article.byline];
  for (const { slug, name } of article.authors) {
    parts = parts.flatMap((part) => {
      if (typeof part !== "string" || !part.includes(name)) return [part];
      const [before, ...after] = part.split(name);
      return [before, html`<a rel="author" href="${pathOf("authors", slug)}">${name}</a>`, after.join(name)];
    });
  }
  if (article.published_at) {
    const date = displayDate(article);
    parts = parts.map((part) =>
      typeof part === "string" && part.endsWith(date)
        ? html`${part.slice(0, -date.length)}<time datetime="${dateTime(article)}">${date}</time>`
        : part,
    );
  }
  return html`<p class="byline">${parts}</p>`;
}

function corrections({ corrections }: Article): Html {
  const day = new Intl.DateTimeFormat("it-IT", { dateStyle: "long", timeZone: "Europe/Rome" });
  return html`<aside class="corrections" aria-label="Correzioni">${corrections.map(({ at, text }) => html`<p><strong>Correzione del ${day.format(new Date(at))}.</strong> ${typeset(text)}</p>`)}</aside>`;
}

function media({ media, headline }: Article): Html | null {
  const pictures = media.filter((item) => item.kind === "image" && item.image);
  const others = media.filter((item) => item.kind !== "image");
  if (media.length === 0) return null;
  return html`${
    pictures.length > 0 &&
    html`<section class="gallery" aria-label="Galleria: ${typeset(headline)}"><h2>Le immagini</h2><ul>${pictures.map(
      ({ image, caption: text, credit }, index) => html`<li><figure>
<a href="${image?.url}" aria-label="Immagine ${index + 1} di ${pictures.length}: apri intera">${image && picture(image, { shape: "4x3", sizes: "(min-width: 60rem) 440px, 85vw" })}</a>
${caption(text ?? image?.caption ?? null, credit ?? image?.credit ?? null)}</figure></li>`,
    )}</ul></section>`
  }${others.map(({ kind, image, sources, embed_url, poster, captions, caption: text, credit, duration_seconds: seconds }) => {
    const still = image ? wholePicture(image, "100vw") : poster ? html`<img src="${poster}" alt="" loading="lazy">` : null;
    const tracks = captions.map((track) => html`<track kind="captions" srclang="${track.language}" src="${track.url}">`);
    const files = sources.map((source) => html`<source src="${source.url}" ${source.type && html`type="${source.type}"`}>`);
    return html`<figure class="clip">${
      sources.length > 0
        ? kind === "audio"
          ? html`<audio controls preload="none">${files}</audio>`
          : html`<video controls preload="none" ${poster && html`poster="${poster}"`}>${files}${tracks}</video>`
        : embed_url
          ? html`<a href="${embed_url}" rel="noopener">${still}<span>Guarda il video su ${new URL(embed_url).hostname}</span></a>`
          : still
    }${caption(text, [credit, seconds && duration(seconds)].filter(Boolean).join(" · ") || null)}</figure>`;
  })}`;
}

function duration(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(Math.round(seconds % 60)).padStart(2, "0")}`;
}

function related(article: Article, brand: Brand | null): Html | null {
  const articles = article.related ?? [];
  if (articles.length === 0) return null;
  const subject = brand && articles.some((item) => item.brand?.slug === brand.slug) ? brand : null;
  return html`<section class="related wrap" aria-labelledby="altro">
<h2 id="altro">${subject ? html`Altro su <a href="${pathOf("brands", subject.slug)}">${typeset(subject.name)}</a>` : "Leggi anche"}</h2>
<div class="grid">${articles.map((item) => card(item, { level: 3, sizes: CARD_SIZES }))}</div>
</section>`;
}
