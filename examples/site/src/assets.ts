/** Files of the site. Their names contain a hash of their content, so that browsers keep them for good. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename } from "node:path";
import { gzipSync } from "node:zlib";

export interface Asset {
  readonly type: string;
  readonly body: Buffer;
  readonly isGzip: boolean;
}

const { resolve } = createRequire(import.meta.url);
const FONT_FILES = ["latin", "latin-ext"].flatMap((subset) => [
  resolve(`@fontsource-variable/archivo/files/archivo-${subset}-wght-normal.woff2`),
  resolve(`@fontsource-variable/source-serif-4/files/source-serif-4-${subset}-wght-normal.woff2`),
]);

/** Read all files. `files` is what is served by path, the other members are the paths that pages name. */
export function loadAssets() {
  const files = new Map<string, Asset>();
  const add = (name: string, type: string, content: Buffer, isText = false): string => {
    const hash = createHash("sha256").update(content).digest("base64url").slice(0, 10);
    const path = `/assets/${hash}-${name}`;
    files.set(path, { type, body: isText ? gzipSync(content, { level: 9 }) : content, isGzip: isText });
    return path;
  };
  let css = readFileSync(new URL("../assets/site.css", import.meta.url), "utf8");
  const fonts = FONT_FILES.map((file) => {
    const path = add(basename(file), "font/woff2", readFileSync(file));
    css = css.replace(basename(file), path);
    return path;
  });
  const minified = css.replace(/\/\*.*?\*\//gs, "").replace(/\n\s*/g, "\n");
  return {
    files,
    fonts: fonts.slice(0, 2),
    css: add("site.css", "text/css; charset=utf-8", Buffer.from(minified), true),
    js: add("site.js", "text/javascript; charset=utf-8", readFileSync(new URL("browser/site.js", import.meta.url)), true),
    icon: readFileSync(new URL("../assets/icona.svg", import.meta.url)),
  };
}
