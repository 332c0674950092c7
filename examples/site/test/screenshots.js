/** Write the screenshots of the README: `node test/screenshots.js FOLDER [FORMAT]`, while the site runs. */
import { writeFileSync } from "node:fs";
import { openBrowser } from "./chromium.js";

const SITE = process.env.SITE_URL ?? "http://127.0.0.1:4321";
const ARTICLE = "/articoli/jaguar-land-rover-allo-studio-una-fabbrica-per-produrre-batterie";
const PICTURES = [
  { name: "home-desktop", path: "/", width: 1280, height: 1500 },
  { name: "home-phone", path: "/", width: 390, height: 1300 },
  { name: "article-desktop", path: ARTICLE, width: 1280, height: 2300 },
  { name: "article-phone", path: ARTICLE, width: 390, height: 1700 },
  { name: "gallery-dark", path: "/articoli/jaguar-classic-una-giornata-in-officina", width: 1280, height: 1900, isDark: true },
  { name: "brand-desktop", path: "/marche/land-rover", width: 1280, height: 1100 },
  { name: "search-desktop", path: "/ricerca?q=batterie", width: 1280, height: 1000 },
];
const [folder = ".", format = "webp"] = process.argv.slice(2);
const IMAGES_ARE_LOADED = `(async () => {
  for (const image of document.images) image.loading = "eager";
  await Promise.all([...document.images].map((image) => image.decode().catch(() => undefined)));
  await document.fonts.ready;
  return true;
})()`;

const browser = await openBrowser();
for (const { name, path, ...view } of PICTURES) {
  const page = await browser.newPage();
  await page.emulate(view);
  await page.goTo(SITE + path);
  await page.goTo(SITE + path); // fonts are in the cache now, as for every page but the first
  await page.evaluate(IMAGES_ARE_LOADED);
  for (const quality of [75, 50, 30]) {
    await new Promise((resolve) => setTimeout(resolve, 300)); // until what is decoded is painted
    const bytes = await page.screenshot({ quality, format });
    if (bytes.length > 190_000 && format !== "png" && quality > 30) continue;
    writeFileSync(`${folder}/${name}.${format}`, bytes);
    break;
  }
}
await browser.close();
