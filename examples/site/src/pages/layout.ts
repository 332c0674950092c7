/** The frame of all pages. */
import type { Config } from "../config.js";
import { type Html, html, type Part } from "../html.js";
import { NAME, NAVIGATION, pathOf, TAGLINE } from "../magazine.js";
import { typeset } from "../typography.js";

/** What a page of the site consists of. */
export interface Page {
  readonly status: number;
  readonly title: string;
  readonly description?: string | null | undefined;
  /** The address for search engines; none for pages that they are not to list. */
  readonly canonical?: string | undefined;
  /** Further elements of the head. */
  readonly head?: Part;
  readonly main: Html;
  /** The class of the body. */
  readonly kind: string;
  /** Whether the browser is told when the list of the page changes. */
  readonly isLive?: boolean;
}

/** A page that has moved. */
export interface Redirect {
  readonly status: 308;
  readonly location: string;
}

/** The addresses of files of the site, which change with their content. */
export interface Assets {
  readonly css: string;
  readonly js: string;
  readonly fonts: readonly string[];
}

/** Return the whole document. */
export function renderDocument(page: Page, config: Config, assets: Assets, banner?: Html): string {
  const { title, description, canonical, head, main, kind, isLive } = page;
  const isHome = kind === "home";
  const fullTitle = isHome ? `${NAME} · ${TAGLINE}` : `${title} · ${NAME}`;
  const masthead = html`<a href="/" class="masthead" ${isHome && html`aria-current="page"`}><span>Il</span> Contachilometri</a>`;
  return html`<!doctype html>
<html lang="it">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${typeset(fullTitle)}</title>
${description && html`<meta name="description" content="${typeset(description)}">`}
${canonical ? html`<link rel="canonical" href="${canonical}">` : html`<meta name="robots" content="noindex">`}
${assets.fonts.map((font) => html`<link rel="preload" href="${font}" as="font" type="font/woff2" crossorigin>`)}
<link rel="stylesheet" href="${assets.css}">
<script type="module" src="${assets.js}"></script>
<link rel="icon" href="/icona.svg" type="image/svg+xml">
<link rel="alternate" type="application/rss+xml" title="${NAME}" href="${config.apiUrl}/v1/feeds/articles.rss">
<meta property="og:site_name" content="${NAME}">
<meta property="og:locale" content="it_IT">
<meta name="theme-color" content="#12161c">
${head}
</head>
<body class="page-${kind}">
<a class="skip" href="#contenuto">Vai al contenuto</a>
${banner}
<header class="top"><div class="wrap">
${isHome ? html`<h1>${masthead}</h1>` : html`<p>${masthead}</p>`}
<a class="find" href="/ricerca" ${kind === "search" && html`aria-current="page"`}><svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><circle cx="10.5" cy="10.5" r="6.5"/><path d="m15.5 15.5 5 5"/></svg> Cerca</a>
<nav aria-label="Sezioni"><ul>
${NAVIGATION.map(([name, slug]) => html`<li><a href="${pathOf("sections", slug)}" ${canonical === config.siteUrl + pathOf("sections", slug) && html`aria-current="page"`}>${name}</a></li>`)}
<li><a href="/marche" ${kind === "brands" && html`aria-current="page"`}>Marche</a></li>
</ul></nav>
</div></header>
<main id="contenuto" tabindex="-1" ${isLive && html`data-live`}>${main}</main>
<footer class="bottom"><div class="wrap">
<p class="masthead"><span>Il</span> Contachilometri</p>
<ul>
<li><a href="${config.apiUrl}/v1/feeds/articles.rss">RSS</a></li>
<li><a href="${config.apiUrl}/v1/feeds/articles.atom">Atom</a></li>
<li><a href="${config.apiUrl}/sitemap.xml">Mappa del sito</a></li>
<li><a href="/marche">Tutte le marche</a></li>
<li><a href="/ricerca">Ricerca</a></li>
</ul>
<p class="note">Testata immaginaria: gli articoli sono quelli di prova dell’API.</p>
</div></footer>
</body>
</html>
`.text.replace(/\n{2,}/g, "\n");
}
