/** Server-sent events: browsers that show a list learn that it was built again. */
import type { ServerResponse } from "node:http";

const MAX_LISTENERS = 2_000;
const HEARTBEAT_MS = 20_000;

export class Live {
  readonly #listeners = new Map<ServerResponse, string>();
  readonly #heartbeat = setInterval(() => {
    for (const response of this.#listeners.keys()) response.write(":\n\n");
  }, HEARTBEAT_MS).unref();

  /** Keep a response open and tell it of changes of a page. */
  listen(path: string, response: ServerResponse): void {
    if (this.#listeners.size >= MAX_LISTENERS) {
      response.writeHead(503, { "retry-after": "60" }).end();
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write("retry: 5000\n\n");
    this.#listeners.set(response, path);
    response.on("close", () => this.#listeners.delete(response));
  }

  /** Tell the browsers that show a page that it has changed. */
  notify(path: string): void {
    for (const [response, shown] of this.#listeners) if (shown === path) response.write("event: pagina\ndata:\n\n");
  }

  close(): void {
    clearInterval(this.#heartbeat);
    for (const response of this.#listeners.keys()) response.end();
  }
}
