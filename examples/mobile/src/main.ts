/** Try a store from the command line: `node dist/src/main.js sync|list|show|search URL FILE [WORDS]`. */
import { DatabaseSync } from "@photostructure/sqlite";
import { createClient } from "newsapi-client";
import { Store } from "./store.js";

const [command = "", baseUrl = "", path = "", ...words] = process.argv.slice(2);
if (!path || !["sync", "list", "show", "search"].includes(command)) {
  console.error("usage: node dist/src/main.js sync|list|show|search URL FILE [WORDS]");
  process.exit(2);
}

const store = new Store(new DatabaseSync(path), { api: createClient({ baseUrl, store: null }) });

if (command === "sync") {
  const report = await store.sync({
    onProgress: ({ changes, bodies, total }) => console.error(`${changes} changes, ${bodies} bodies of ${total ?? "?"}`),
  });
  const { articles, bodies, bodyBytes } = store.stats();
  console.log(`${articles} articles, ${bodies} bodies, ${bodyBytes} bytes; ${report.removed.length} removed`);
} else if (command === "show") {
  const found = store.article(words[0] ?? "");
  console.log(found?.status === "stored" ? (found.body?.body_html ?? "(no body)") : JSON.stringify(found));
} else {
  const articles = command === "list" ? store.list().articles : store.search(words.join(" "));
  for (const { published_on, brand, headline } of articles) console.log(published_on, brand?.name ?? "-", headline);
}
store.close();
