/** The API that the tests run against, and a small server that answers as a test says. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after } from "node:test";
import { type Client, createClient } from "newsapi-client";

export const BASE = process.env["API_URL"] ?? "";
export const KEY = process.env["API_KEY"] ?? "";
export const REFERENCE = "jaguar-land-rover-allo-studio-una-fabbrica-per-produrre-batterie";
export const WITHDRAWN = "stellantis-il-calendario-dei-porte-aperte";

export const reader = (): Client => createClient({ baseUrl: BASE });
export const editor = (): Client => createClient({ baseUrl: BASE, key: KEY });

type Listener = (request: IncomingMessage, response: ServerResponse) => unknown;

/** Start a server that is closed after the tests of the file; return its address. */
export async function serve(listener: Listener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

let number = 0;

/** Publish an article; return its slug and id. */
export async function publish(api: Client, fields: { brand?: string; headline?: string } = {}) {
  const slug = `prova-${process.pid}-${Date.now()}-${number++}`;
  const { data } = await api.request("post", "/v1/articles", {
    body: { headline: "Una prova", ...fields, slug, language: "it", body_html: "<p>Testo.</p>", status: "published" },
  });
  return { slug, id: data.id, version: data.version };
}
