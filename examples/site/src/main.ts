/** Start the site. */
import { readConfig } from "./config.js";
import { createSiteServer } from "./server.js";
import { Site } from "./site.js";

const site = new Site(readConfig(process.env));
const server = createSiteServer(site);
const { host, port } = site.config;
server.listen(port, host, () => console.log(`${site.config.siteUrl} serves ${site.config.apiUrl}`));
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    site.stop();
    server.close();
    server.closeAllConnections();
  });
}
await site.start();
