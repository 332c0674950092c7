import type { ArticleSummary } from "./types.js";

/** The fields of an article that `displayDate` reads. */
export type Dated = Pick<ArticleSummary, "published_at" | "published_on" | "published_precision">;

/**
 * Return the date of publication as readers see it, such as "26 luglio 2016".
 *
 * @param locale - A BCP 47 language tag.
 * @param timeZone - An IANA time zone. It applies to articles whose time is known; other articles have a date only.
 * @param options - `time: true` adds the time of day if it is known.
 */
export function displayDate(
  article: Dated,
  locale = "it-IT",
  timeZone = "Europe/Rome",
  options: { time?: boolean | undefined } = {},
): string {
  const isDay = article.published_precision === "day";
  const format = new Intl.DateTimeFormat(locale, {
    dateStyle: "long",
    ...(options.time && !isDay ? { timeStyle: "short" } : {}),
    timeZone: isDay ? "UTC" : timeZone,
  });
  return format.format(new Date(isDay ? `${article.published_on}T12:00:00Z` : article.published_at));
}
