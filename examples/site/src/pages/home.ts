/** The home page: the lead story, the newest articles, the brands. */
import type { Client } from "newsapi-client";
import type { Config } from "../config.js";
import { html } from "../html.js";
import { NAME, pathOf, TAGLINE } from "../magazine.js";
import { count, typeset } from "../typography.js";
import { CARD_SIZES, card } from "./cards.js";
import type { Page } from "./layout.js";

export async function homePage(api: Client, config: Config): Promise<Page> {
  const [articles, brands] = await Promise.all([
    api.articles({ limit: 13 }).page(),
    api.brands({ limit: 100 }).page(),
  ]);
  const [lead, ...others] = articles.data;
  const most = brands.data
    .filter((brand) => brand.article_count > 0)
    .sort((a, b) => b.article_count - a.article_count)
    .slice(0, 12);
  return {
    status: 200,
    kind: "home",
    title: NAME,
    description: `${NAME}: ${TAGLINE}. Anteprime, prove, tecnica e mercato.`,
    canonical: `${config.siteUrl}/`,
    isLive: true,
    main: html`<div class="wrap">
<div class="list" data-list>
${lead && card(lead, { level: 2, isFirst: true, isLead: true, sizes: "(min-width: 60rem) 760px, 100vw" })}
<div class="grid">${others.map((article) => card(article, { level: 2, sizes: CARD_SIZES }))}</div>
</div>
<section class="brands" aria-labelledby="marche"><h2 id="marche">Le marche</h2>
<ul>${most.map(({ slug, name, article_count }) => html`<li><a href="${pathOf("brands", slug)}">${typeset(name)} <small>${count(article_count, "articolo", "articoli")}</small></a></li>`)}</ul>
<p><a href="/marche">Tutte le marche</a></p></section>
</div>`,
  };
}
