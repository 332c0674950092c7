/** Pictures in boxes of fixed shape, so that nothing moves when they arrive. */
import type { Image } from "newsapi-client";
import { type Html, html } from "../html.js";
import { typeset } from "../typography.js";

export type Shape = "16x9" | "4x3" | "1x1";

export interface PictureOptions {
  readonly shape: Shape;
  /** The `sizes` of the element: how wide the picture is shown. */
  readonly sizes: string;
  /** Whether it is the first thing that readers see. */
  readonly isFirst?: boolean;
  /** The text for pictures that only repeat the headline beside them. */
  readonly isDecorative?: boolean;
}

/** Return an `img` in a box of the shape; an empty box if there is no picture. */
export function picture(image: Image | null, options: PictureOptions): Html {
  const { shape, sizes, isFirst, isDecorative } = options;
  const box = `frame s${shape}`;
  if (!image) return html`<span class="${box} none" aria-hidden="true"></span>`;
  const srcset = image.renditions
    .filter(({ name, width }) => name === shape && width)
    .map(({ url, width }) => `${url} ${width}w`)
    .join(", ");
  const smallest = image.renditions.find(({ name, width }) => name === shape && (width ?? 0) >= 640);
  return html`<span class="${box}${focus(image)}">${tone(image)}<img src="${smallest?.url ?? image.url}" ${srcset && html`srcset="${srcset}" sizes="${sizes}"`}
 alt="${isDecorative ? "" : typeset(image.alt ?? "")}" ${size(image)} ${isFirst ? html`fetchpriority="high"` : html`loading="lazy"`} decoding="async"></span>`;
}

/** Return the `img` uncropped, in its own shape. */
export function wholePicture(image: Image, sizes: string): Html {
  return html`<img src="${image.url}" ${image.srcset && html`srcset="${image.srcset}" sizes="${sizes}"`}
 alt="${typeset(image.alt ?? "")}" ${size(image)} loading="lazy" decoding="async">`;
}

/** Return the line below a picture. */
export function caption(text: string | null, credit: string | null): Html {
  if (!text && !credit) return html``;
  return html`<figcaption>${text && typeset(text)} ${credit && html`<small>${typeset(credit)}</small>`}</figcaption>`;
}

/** Return what is shown until the picture arrives: its average colour, if the API has measured it. */
function tone(image: Image & { color?: string | null }): Html | null {
  if (!/^#[0-9a-f]{6}$/i.test(image.color ?? "")) return null;
  return html`<svg viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true"><path fill="${image.color}" d="M0 0h1v1H0z"/></svg>`;
}

function size({ width, height }: Image): Html {
  return width && height ? html`width="${width}" height="${height}"` : html``;
}

/** Return the classes that keep the focal point in the box, in steps of a quarter: the policy allows no inline style. */
function focus({ focal }: Image): string {
  const step = (value: number): number => Math.round(value * 4) * 25;
  return focal ? ` x${step(focal.x)} y${step(focal.y)}` : "";
}
