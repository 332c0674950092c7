/** Search with facets and suggestions. */
import { type Client, displayDate, ProblemError, type SearchHit, type Suggestion } from "newsapi-client";
import { type Html, html } from "../html.js";
import { pathOf, type Terms } from "../magazine.js";
import { count, typeset, typesetMarkup } from "../typography.js";
import { dateTime } from "./cards.js";
import type { Page } from "./layout.js";
import { picture } from "./pictures.js";

/** The facets: the name of the parameter on the site, that of the API, the heading. */
const FACETS = [
  ["marca", "brand", "Marca"],
  ["sezione", "section", "Sezione"],
] as const;

/** Search does not wait for an API that is down as long as a page that is kept may. */
const MAX_WAIT_MS = 1_000;

export async function searchPage(api: Client, parameters: URLSearchParams): Promise<Page> {
  const q = (parameters.get("q") ?? "").trim().slice(0, 200);
  if (!q) return frame("", 200, html`<p class="hint">Scrivi una marca, un modello o un argomento.</p>`);
  const filters = Object.fromEntries(
    FACETS.flatMap(([name, field]) => (parameters.get(name) ? [[field, parameters.get(name)]] : [])),
  );
  const cursor = parameters.get("cursor");
  try {
    const found = await api
      .search(
        { ...(cursor ? { cursor } : { q, ...filters }), facets: ["brand", "section"], total: true, limit: 20 },
        { maxWaitMs: MAX_WAIT_MS },
      )
      .page();
    return frame(q, 200, results(q, parameters, found));
  } catch (error) {
    if (error instanceof ProblemError && error.status < 500 && error.status !== 429) {
      return frame(q, 400, html`<p class="hint" role="status">Questa ricerca non è valida. Prova con altre parole.</p>`);
    }
    return frame(
      q,
      503,
      html`<p class="hint" role="status">La ricerca non è disponibile in questo momento. Gli articoli restano leggibili: torna alla <a href="/">prima pagina</a> o scegli una <a href="/marche">marca</a>.</p>`,
    );
  }
}

/** A suggestion, as the browser shows it. */
export interface SuggestedLink {
  readonly name: string;
  readonly kind: string;
  readonly href: string;
}

const KINDS: Readonly<Record<string, readonly [Terms | "articles", string]>> = {
  brand: ["brands", "Marca"],
  author: ["authors", "Autore"],
  article: ["articles", "Articolo"],
};

/** Return suggestions for the first letters of a query. */
export async function suggest(api: Client, q: string): Promise<SuggestedLink[]> {
  if (!q.trim()) return [];
  try {
    return (await api.suggest(q.trim().slice(0, 200), { limit: 8 }, { maxWaitMs: 0 })).map(toLink);
  } catch (error) {
    if (error instanceof ProblemError && error.status === 400) return [];
    throw error;
  }
}

function toLink({ type, slug, name }: Suggestion): SuggestedLink {
  const kind = KINDS[type];
  if (!kind) return { name: typeset(name), kind: "Argomento", href: `/ricerca?q=${encodeURIComponent(name)}` };
  return { name: typeset(name), kind: kind[1], href: pathOf(kind[0], slug) };
}

type Found = Awaited<ReturnType<ReturnType<Client["search"]>["page"]>> & { corrected_from?: string | null };

function results(q: string, parameters: URLSearchParams, found: Found): Html {
  const { data, did_you_mean: suggestion, page, facets = {} } = found;
  const total = page.total ?? data.length;
  const corrected = found.corrected_from ? html`<p class="hint">Nessun risultato per «${found.corrected_from}»: ecco i più simili.</p>` : null;
  return html`<div class="found">
<div>
<p class="meta" role="status">${count(total, "risultato", "risultati")} per «${q}»</p>
${corrected}
${suggestion && html`<p class="hint">Forse cercavi <a href="/ricerca?q=${encodeURIComponent(suggestion)}">${suggestion}</a>?</p>`}
<ol class="hits">${data.map(hit)}</ol>
${page.next && html`<p class="more"><a rel="next" href="${linkWith(parameters, "cursor", page.next)}">Altri risultati</a></p>`}
</div>
<div class="facets">${FACETS.map(([name, field, heading]) => {
    const values = facets[field] ?? [];
    const chosen = parameters.get(name);
    if (values.length === 0) return null;
    return html`<nav aria-label="${heading}"><h2>${heading}</h2><ul>
${values.map(({ slug, name: label, count: number }) => html`<li><a href="${linkWith(parameters, name, slug === chosen ? null : slug)}" ${slug === chosen && html`aria-current="true"`}>${typeset(label)} <small>${number}</small></a></li>`)}
</ul></nav>`;
  })}</div></div>`;
}

function hit(article: SearchHit): Html {
  const { highlights } = article;
  const headline = highlights.headline ? typesetMarkup(highlights.headline) : typeset(article.headline);
  const passage = highlights.body[0] ?? highlights.standfirst;
  return html`<li class="card"><article>${picture(article.image, { shape: "16x9", sizes: "200px", isDecorative: true })}<div>
<p class="label">${article.section && html`<span>${typeset(article.section.name)}</span>`}</p>
<h2><a href="${pathOf("articles", article.slug)}">${headline}</a></h2>
<p class="teaser">${passage ? typesetMarkup(passage) : article.standfirst && typeset(article.standfirst)}</p>
<p class="date"><time datetime="${dateTime(article)}">${displayDate(article)}</time></p>
</div></article></li>`;
}

function linkWith(parameters: URLSearchParams, name: string, value: string | null): string {
  const changed = new URLSearchParams();
  for (const known of ["q", ...FACETS.map(([facet]) => facet)]) {
    const present = parameters.get(known);
    if (present) changed.set(known, present);
  }
  if (value === null) changed.delete(name);
  else changed.set(name, value);
  return `/ricerca?${changed}`;
}

function frame(q: string, status: number, content: Html): Page {
  return {
    status,
    kind: "search",
    title: q ? `Ricerca: ${q}` : "Ricerca",
    main: html`<div class="wrap"><header class="intro"><div><h1>Ricerca</h1></div></header>
<form class="search" action="/ricerca" role="search">
<label for="q">Che cosa cerchi?</label>
<div class="combobox"><input id="q" name="q" type="search" value="${q}" maxlength="200" autocomplete="off" autocapitalize="none" spellcheck="false" data-suggestions="/suggerimenti"><button>Cerca</button>
<ul id="suggerimenti" role="listbox" aria-label="Suggerimenti" hidden></ul></div>
</form>
${content}</div>`,
  };
}

