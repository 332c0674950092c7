/** Articles in lists. */
import { type ArticleSummary, displayDate } from "newsapi-client";
import { type Html, html } from "../html.js";
import { pathOf } from "../magazine.js";
import { typeset } from "../typography.js";
import { picture } from "./pictures.js";

/** How wide a card of a grid is. */
export const CARD_SIZES = "(min-width: 60rem) 380px, (min-width: 38rem) 50vw, 100vw";

export interface CardOptions {
  readonly level: 2 | 3;
  readonly isFirst?: boolean;
  readonly sizes: string;
  readonly isLead?: boolean;
}

const FORMATS: Readonly<Record<string, string>> = { gallery: "Galleria", video: "Video" };

/** Return section label, headline, picture and teaser of an article. */
export function card(article: ArticleSummary, options: CardOptions): Html {
  const { level, isFirst = false, isLead, sizes } = options;
  const headline = html`<a href="${pathOf("articles", article.slug)}">${typeset(article.headline)}</a>`;
  const format = FORMATS[article.format];
  return html`<article class="card ${isLead && "lead"}" data-id="${article.id}" data-at="${article.published_at}">
${picture(article.image, { shape: "16x9", sizes, isFirst, isDecorative: true })}
<div>
<p class="label">${article.section && html`<span>${typeset(article.section.name)}</span>`}${format && html`<span class="format">${format}</span>`}</p>
${level === 2 ? html`<h2>${headline}</h2>` : html`<h3>${headline}</h3>`}
${article.standfirst && html`<p class="teaser">${typeset(article.standfirst)}</p>`}
<p class="date"><time datetime="${dateTime(article)}">${displayDate(article)}</time></p>
</div>
</article>
`;
}

/** Return the date of publication for machines, as exact as it is known. */
export function dateTime(article: ArticleSummary): string {
  return article.published_precision === "day" ? article.published_on : article.published_at;
}
