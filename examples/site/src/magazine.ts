/** What is the magazine's own: its name, its navigation and the addresses of its pages. */

export const NAME = "Il Contachilometri";
export const TAGLINE = "Auto, industria, strada";

/** The sections of the navigation. Editors choose them, and no page depends on the list of all sections. */
export const NAVIGATION = [
  ["Anteprime", "anteprime"],
  ["Prove", "prove"],
  ["Mercato", "mercato"],
  ["Tecnica", "tecnica"],
  ["Sport", "sport"],
  ["Norme", "norme"],
  ["Curiosità", "curiosita"],
  ["Play", "play"],
] as const;

export type Terms = "brands" | "sections" | "authors";

/** The first segment of the path of each kind of page. They match the URL templates in `demo.env`. */
export const PATHS: Readonly<Record<Terms | "articles", string>> = {
  articles: "articoli",
  brands: "marche",
  sections: "sezioni",
  authors: "autori",
};

export function pathOf(kind: Terms | "articles", slug: string): string {
  return `/${PATHS[kind]}/${slug}`;
}
