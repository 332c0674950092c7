/** Italian typography. */
import { cleaned, type Html } from "./html.js";

/** Replace straight apostrophes: l'auto, un po' di, gli anni '60. Quotation marks stay as they are. */
export function typeset(text: string): string {
  return text
    .replace(/(?<=\p{L})'(?=[\p{L}\d])/gu, "’")
    .replace(/\b(po|mo|be|va|fa|da|di|sta|ca)'(?!\p{L})/giu, "$1’")
    .replace(/(?<=\s)'(?=\d\d\b)/g, "’");
}

/** Replace straight apostrophes in the text of cleaned markup, outside of tags. */
export function typesetMarkup(markup: string): Html {
  if (/<(pre|code)\b/.test(markup)) return cleaned(markup);
  const texts = markup.replaceAll("&#39;", "'").replaceAll("&#x27;", "'");
  return cleaned(texts.replace(/(^|>)([^<]+)/g, (_, start: string, text: string) => start + typeset(text)));
}

const NUMBER = new Intl.NumberFormat("it-IT");

/** Return a number with its noun, such as "1 articolo" or "12 articoli". */
export function count(number: number, singular: string, plural: string): string {
  return `${NUMBER.format(number)} ${number === 1 ? singular : plural}`;
}
