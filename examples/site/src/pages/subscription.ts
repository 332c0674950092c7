/** The box that subscribes readers to a brand, and the pages that the links in emails lead to. */
import { type Brand, type Client, ProblemError, type Subscriber } from "newsapi-client";
import { type Html, html } from "../html.js";
import { pathOf, type Terms } from "../magazine.js";
import { typeset } from "../typography.js";
import type { Page } from "./layout.js";
import { noticePage } from "./notices.js";

const FREQUENCIES: Readonly<Record<string, string>> = {
  immediate: "Subito",
  daily: "Una volta al giorno",
  weekly: "Una volta alla settimana",
};

export const CHECK_YOUR_MAIL = "Controlla la tua posta";
export const CHECK_YOUR_MAIL_TEXT =
  "Ti abbiamo scritto un messaggio con un link: aprilo per confermare l’iscrizione. Se non arriva, guarda nella posta indesiderata.";

/** Return the form; nothing if the API sends no mail. */
export function subscriptionForm({ slug, name, subscription }: Brand, sourcePath: string): Html | null {
  if (subscription.frequencies.length === 0) return null;
  const { consent, frequencies } = subscription;
  return html`<section class="subscribe" aria-labelledby="iscriviti">
<h2 id="iscriviti">Se vuoi aggiornamenti su <span class="upper">${typeset(name)}</span> inserisci la tua e-mail nel box qui sotto:</h2>
<form method="post" action="/iscrizioni" data-subscribe>
<input type="hidden" name="brand" value="${slug}">
<input type="hidden" name="source" value="${sourcePath}">
${consent && html`<input type="hidden" name="consent" value="${consent.version}">`}
<div class="fields">
<p><label for="email">E-mail</label><input id="email" name="email" type="email" required autocomplete="email" maxlength="254" placeholder="nome@esempio.it" aria-describedby="esito"></p>
<p><label for="frequency">Quando</label><select id="frequency" name="frequency">${frequencies.map((value) => html`<option value="${value}">${FREQUENCIES[value] ?? value}</option>`)}</select></p>
<button>Iscriviti</button>
</div>
<p id="esito" class="outcome" role="status"></p>
${consent && html`<p class="consent" lang="${consent.language}">${typeset(consent.text)}</p>`}
</form></section>`;
}

/** What became of a request to subscribe. */
export interface Outcome {
  readonly status: 202 | 422 | 429 | 503;
  readonly title: string;
  readonly text: string;
}

/** Subscribe a reader to a brand. `forwardedFor` lets the API count requests by the address of the reader. */
export async function subscribe(
  api: Client,
  siteUrl: string,
  form: URLSearchParams,
  forwardedFor: string,
): Promise<Outcome> {
  const consent = form.get("consent");
  try {
    await api.subscribe(
      "brands",
      form.get("brand") ?? "",
      {
        email: form.get("email")?.trim() ?? "",
        frequency: (form.get("frequency") ?? "immediate") as "immediate",
        language: "it",
        source_url: siteUrl + (form.get("source") ?? "/"),
        time_zone: "Europe/Rome",
        consent_version: consent,
      },
      { headers: { "x-forwarded-for": forwardedFor } },
    );
    return { status: 202, title: CHECK_YOUR_MAIL, text: CHECK_YOUR_MAIL_TEXT };
  } catch (error) {
    return refusal(error);
  }
}

function refusal(error: unknown): Outcome {
  if (error instanceof ProblemError && error.status === 429) {
    const text = "Sono arrivate troppe richieste dalla tua rete. Riprova tra un’ora.";
    return { status: 429, title: "Iscrizione non registrata", text };
  }
  if (error instanceof ProblemError && error.status < 500) {
    const isAddress = error.errors.some(({ pointer }) => pointer === "/email");
    const text = isAddress
      ? "L’indirizzo non è valido. Controlla che sia scritto per intero, come nome@esempio.it."
      : "La richiesta non è valida. Ricarica la pagina e riprova.";
    return { status: 422, title: "Iscrizione non registrata", text };
  }
  const text = "Il servizio delle iscrizioni non risponde. L’iscrizione non è stata registrata: riprova tra qualche minuto.";
  return { status: 503, title: "Iscrizione non registrata", text };
}

export function outcomePage({ status, title, text }: Outcome, source: string | null): Page {
  const back = source?.startsWith("/") && !source.startsWith("//") ? source : "/";
  return noticePage(status, title, html`<p>${text}</p><p><a href="${back}">Torna alla pagina</a></p>`);
}

/** Return the page that a link in an email leads to. Nothing changes until the reader presses the button. */
export async function tokenPage(api: Client, token: string): Promise<Page> {
  if (token.startsWith("manage_")) return preferencesPage(await api.setPreferences({ token }), token);
  const isConfirmation = token.startsWith("confirm_");
  if (!isConfirmation && !token.startsWith("leave_")) return expiredPage();
  const [title, text, button] = isConfirmation
    ? ["Conferma l’iscrizione", "Premi il pulsante per ricevere gli aggiornamenti.", "Conferma l’iscrizione"]
    : ["Annulla l’iscrizione", "Premi il pulsante per non ricevere più questi messaggi.", "Annulla l’iscrizione"];
  const action = isConfirmation ? "confirm" : "unsubscribe";
  return noticePage(200, title, html`<p>${text}</p>${buttonForm(token, action, button)}`);
}

/** Do what the reader has asked for on the page of a token. */
export async function useToken(api: Client, form: URLSearchParams): Promise<Page> {
  const token = form.get("token") ?? "";
  switch (form.get("action")) {
    case "confirm":
      await api.confirmSubscription(token);
      return done("Iscrizione confermata", "Da oggi ricevi gli aggiornamenti. In ogni messaggio trovi il link per cambiare idea.");
    case "unsubscribe":
      await api.unsubscribe(token);
      return done("Iscrizione annullata", "Non ricevi più questi messaggi.");
    case "erase":
      await api.eraseSubscriber(token);
      return done("Dati eliminati", "Abbiamo eliminato il tuo indirizzo e tutte le tue iscrizioni.");
    case "preferences": {
      const subscriptions = [...form]
        .filter(([name]) => name.startsWith("frequency-"))
        .map(([name, value]) => ({ id: name.slice("frequency-".length), frequency: (value || null) as "daily" | null }));
      return preferencesPage(await api.setPreferences({ token, subscriptions }), token, "Le preferenze sono salvate.");
    }
    default:
      return expiredPage();
  }
}

export function expiredPage(): Page {
  return noticePage(
    410,
    "Link non più valido",
    html`<p>Il link è scaduto o è già stato usato. Per iscriverti di nuovo, usa il box in fondo a un articolo.</p>
<p><a href="/">Torna alla prima pagina</a></p>`,
  );
}

function done(title: string, text: string): Page {
  return noticePage(200, title, html`<p role="status">${text}</p><p><a href="/">Torna alla prima pagina</a></p>`);
}

const KINDS: Readonly<Record<string, Terms>> = { brand: "brands", section: "sections", author: "authors" };

function preferencesPage(subscriber: Subscriber, token: string, status?: string): Page {
  const active = subscriber.subscriptions.filter(({ state }) => state !== "ended");
  return noticePage(
    200,
    "Le tue iscrizioni",
    html`${status && html`<p class="outcome" role="status">${status}</p>`}
<p>Indirizzo: <strong>${subscriber.email}</strong></p>
${
  active.length > 0
    ? html`<form method="post" action="/iscrizione"><input type="hidden" name="token" value="${token}">
<ul class="preferences">${active.map(({ id, name, kind, slug, frequency }) => {
        const terms = KINDS[kind];
        return html`<li><label for="f-${id}">${terms ? html`<a href="${pathOf(terms, slug)}">${typeset(name)}</a>` : typeset(name)}</label>
<select id="f-${id}" name="frequency-${id}">${Object.entries(FREQUENCIES).map(([value, text]) => html`<option value="${value}" ${value === frequency && html`selected`}>${text}</option>`)}<option value="">Mai: annulla l’iscrizione</option></select></li>`;
      })}</ul>
<button name="action" value="preferences">Salva</button></form>`
    : html`<p>Non hai iscrizioni.</p>`
}
<h2>I tuoi dati</h2>
<p>Puoi eliminare il tuo indirizzo e tutte le iscrizioni. Non si può annullare.</p>
${buttonForm(token, "erase", "Elimina i miei dati")}`,
  );
}

function buttonForm(token: string, action: string, text: string): Html {
  return html`<form method="post" action="/iscrizione"><input type="hidden" name="token" value="${token}">
<button name="action" value="${action}">${text}</button></form>`;
}
