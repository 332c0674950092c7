/** What pages do beyond HTML: the subscription box, suggestions, new articles. All of it works without, too. */

/** Send the box in the background and say below it what became of it. */
function enhanceSubscription(form: HTMLFormElement): void {
  const status = form.querySelector<HTMLElement>("[role=status]");
  const email = form.querySelector<HTMLInputElement>("[name=email]");
  const button = form.querySelector("button");
  if (!status || !email || !button) return;
  form.noValidate = true;
  const say = (text: string, isInvalid: boolean): void => {
    status.textContent = text;
    status.classList.toggle("error", isInvalid);
    email.setAttribute("aria-invalid", String(isInvalid));
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!email.checkValidity()) {
      say("Scrivi il tuo indirizzo per intero, come nome@esempio.it.", true);
      email.focus();
      return;
    }
    button.disabled = true;
    say("Invio in corso…", false);
    try {
      const body = new URLSearchParams(new FormData(form) as unknown as Record<string, string>);
      const response = await fetch(form.action, { method: "POST", body, headers: { accept: "application/json" } });
      const { status: code, title, text } = (await response.json()) as { status: number; title: string; text: string };
      if (code === 202) {
        form.querySelector(".fields")?.remove();
        form.querySelector(".consent")?.remove();
        say(`${title}. ${text}`, false);
      } else {
        say(text, code === 422);
        if (code === 422) email.focus();
      }
    } catch {
      say("Non c’è connessione: l’iscrizione non è stata registrata.", false);
    }
    button.disabled = false;
  });
}

interface SuggestedLink {
  readonly name: string;
  readonly kind: string;
  readonly href: string;
}

const PAUSE_MS = 150;

/** Suggest while the reader types (combobox with a list, WAI-ARIA Authoring Practices). */
function enhanceSearch(input: HTMLInputElement): void {
  const list = input.parentElement?.querySelector<HTMLElement>("[role=listbox]");
  if (!list) return;
  let active = -1;
  let timer = 0;
  let last = 0;
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-controls", list.id);
  input.setAttribute("aria-autocomplete", "list");
  const options = (): HTMLElement[] => [...list.querySelectorAll<HTMLElement>("[role=option]")];
  const choose = (index: number): void => {
    active = index;
    options().forEach((option, number) => option.setAttribute("aria-selected", String(number === index)));
    const option = options()[index];
    if (option) {
      input.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    } else input.removeAttribute("aria-activedescendant");
  };
  const show = (links: readonly SuggestedLink[]): void => {
    list.replaceChildren(
      ...links.map(({ name, kind, href }, index) => {
        const option = document.createElement("li");
        option.id = `${list.id}-${index}`;
        option.setAttribute("role", "option");
        option.dataset["href"] = href;
        const label = document.createElement("small");
        label.textContent = kind;
        option.append(name, " ", label);
        option.addEventListener("pointerdown", (event) => event.preventDefault());
        option.addEventListener("click", () => location.assign(href));
        return option;
      }),
    );
    list.hidden = links.length === 0;
    input.setAttribute("aria-expanded", String(!list.hidden));
    choose(-1);
  };
  const load = async (): Promise<void> => {
    const number = ++last;
    const q = input.value.trim();
    const response = q && (await fetch(`${input.dataset["suggestions"]}?q=${encodeURIComponent(q)}`).catch(() => null));
    const links = response && response.ok ? ((await response.json()) as SuggestedLink[]) : [];
    if (number === last) show(links);
  };
  show([]);
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(load, PAUSE_MS);
  });
  input.addEventListener("blur", () => show([]));
  input.addEventListener("keydown", (event) => {
    const number = options().length;
    const href = options()[active]?.dataset["href"];
    if (event.key === "ArrowDown" && number) choose(active + 1 < number ? active + 1 : -1);
    else if (event.key === "ArrowUp" && number) choose(active >= 0 ? active - 1 : number - 1);
    else if (event.key === "Escape" && !list.hidden) show([]);
    else if (event.key === "Enter" && href) location.assign(href);
    else return;
    event.preventDefault();
  });
}

/** Offer new articles of a list with a button: nothing moves until the reader asks for it. */
function followList(main: HTMLElement): void {
  const status = document.createElement("div");
  status.className = "news";
  status.setAttribute("role", "status");
  main.append(status);
  const newest = Math.max(...[...main.querySelectorAll<HTMLElement>("[data-at]")].map(timeOf));
  const events = new EventSource(`/eventi?pagina=${encodeURIComponent(location.pathname)}`);
  let isOffered = 0;
  const check = async (): Promise<void> => {
    const response = await fetch(location.pathname, { cache: "no-cache" }).catch(() => null);
    if (!response?.ok) return;
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    const shown = new Set([...main.querySelectorAll<HTMLElement>("[data-id]")].map(({ dataset }) => dataset["id"]));
    const found = [...fresh.querySelectorAll<HTMLElement>("main [data-id]")].filter(
      (item) => !shown.has(item.dataset["id"]) && timeOf(item) >= newest,
    );
    if (found.length === isOffered) return;
    isOffered = found.length;
    if (found.length === 0) {
      status.replaceChildren();
      return;
    }
    const button = document.createElement("button");
    button.textContent = found.length === 1 ? "1 nuovo articolo" : `${found.length} nuovi articoli`;
    button.addEventListener("click", () => {
      const list = main.querySelector("[data-list]");
      const update = fresh.querySelector("[data-list]");
      if (!list || !update) return;
      list.replaceWith(document.adoptNode(update));
      status.remove();
      events.close();
      followList(main);
      scrollTo({ top: 0 });
      main.querySelector<HTMLElement>("[data-list] a")?.focus();
    });
    status.replaceChildren(button);
  };
  events.addEventListener("pagina", () => void check());
  events.addEventListener("open", () => void check());
}

function timeOf(item: HTMLElement): number {
  return Date.parse(item.dataset["at"] ?? "");
}

document.querySelectorAll<HTMLFormElement>("form[data-subscribe]").forEach(enhanceSubscription);
document.querySelectorAll<HTMLInputElement>("input[data-suggestions]").forEach(enhanceSearch);
document.querySelectorAll<HTMLElement>("main[data-live]").forEach(followList);
