/** Create the webhook of the site with the key in SITE_API_KEY, and print its secret. A former one is removed. */
import { createClient } from "newsapi-client";
import { readConfig } from "./config.js";

const { apiUrl, siteUrl } = readConfig(process.env);
const api = createClient({ baseUrl: apiUrl, key: process.env["SITE_API_KEY"] });
const url = `${siteUrl}/webhook`;

const { data: webhooks } = await api.request("get", "/v1/webhooks");
for (const webhook of webhooks) {
  if (webhook.url === url) await api.request("delete", "/v1/webhooks/{id}", { path: { id: webhook.id } });
}
const { data: created } = await api.request("post", "/v1/webhooks", { body: { url, events: ["cache.invalidated"] } });
console.log(created.secret);
