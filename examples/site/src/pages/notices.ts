/** Pages that say why there is no content: 404, 410, 503. */
import type { Withdrawal } from "newsapi-client";
import { type Html, html } from "../html.js";
import { pathOf } from "../magazine.js";
import { typeset } from "../typography.js";
import type { Page } from "./layout.js";

const REASONS: Readonly<Record<string, string>> = {
  legal: "per ragioni legali",
  error: "perché conteneva errori",
  rights: "perché sono scaduti i diritti di pubblicazione",
  duplicate: "perché era un doppione",
};

/** Return a page with a heading and a text. */
export function noticePage(status: number, title: string, text: Html): Page {
  return {
    status,
    kind: "notice",
    title,
    main: html`<div class="wrap notice"><h1>${title}</h1>${text}</div>`,
  };
}

export function notFoundPage(): Page {
  return noticePage(
    404,
    "Pagina non trovata",
    html`<p>A questo indirizzo non c’è nulla. <a href="/ricerca">Cerca un articolo</a> o torna alla <a href="/">prima pagina</a>.</p>`,
  );
}

export function gonePage({ at, reason, note, replaced_by, action }: Withdrawal): Page {
  const day = new Intl.DateTimeFormat("it-IT", { dateStyle: "long", timeZone: "Europe/Rome" }).format(new Date(at));
  const what = action === "withdrawn" ? "ha ritirato questo articolo" : "ha tolto questo articolo dalla pubblicazione";
  const why = REASONS[reason];
  return noticePage(
    410,
    "Articolo ritirato",
    html`<p>Il ${day} la redazione ${what}${why && ` ${why}`}.</p>
${note && html`<p>${typeset(note)}</p>`}
${replaced_by && html`<p><a href="${pathOf("articles", replaced_by)}">Leggi l’articolo che lo sostituisce</a></p>`}
<p><a href="/">Torna alla prima pagina</a></p>`,
  );
}

export function unavailablePage(): Page {
  return noticePage(
    503,
    "Pagina non disponibile",
    html`<p>In questo momento non riusciamo a preparare questa pagina. Riprova tra qualche minuto, o torna alla <a href="/">prima pagina</a>.</p>`,
  );
}
