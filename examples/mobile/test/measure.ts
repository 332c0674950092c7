/**
 * Measure what a store costs: `node dist/test/measure.js URL [KEY]`.
 *
 * Bytes are those on the wire, headers included, in both directions. With a key, a day of changes is written first.
 */
import { mkdtempSync, statSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { createClient, type QueryOf } from "newsapi-client";
import { BODY_FIELDS, CARD_FIELDS } from "../src/articles.js";
import { Store } from "../src/store.js";

const PUBLICATIONS = 60;
const UPDATES = 120;
const WITHDRAWALS = 5;

const [baseUrl = "", key] = process.argv.slice(2);
if (!baseUrl) throw new Error("usage: node dist/test/measure.js URL [KEY]");
const target = new URL(baseUrl);

/** A proxy that counts the bytes it passes on. */
let sent = 0;
let received = 0;
const proxy: Server = createServer((socket) => {
  const upstream = connect(Number(target.port || 80), target.hostname);
  socket.on("data", (chunk: Buffer) => (sent += chunk.length));
  upstream.on("data", (chunk: Buffer) => (received += chunk.length));
  socket.pipe(upstream).pipe(socket);
  for (const end of [socket, upstream]) end.on("error", () => socket.destroy());
});
await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
const proxyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;

let requests = 0;
function client(coding: string) {
  return createClient({
    baseUrl: proxyUrl,
    store: null,
    headers: { "accept-encoding": coding },
    fetch: async (...call) => {
      requests += 1;
      return await fetch(...call);
    },
  });
}

const kB = (bytes: number): string => (bytes / 1000).toLocaleString("en", { maximumFractionDigits: 0 });

async function measured(name: string, work: () => Promise<string>): Promise<void> {
  [sent, received, requests] = [0, 0, 0];
  const start = process.cpuUsage();
  const rest = await work();
  const { user, system } = process.cpuUsage(start);
  const seconds = ((user + system) / 1e6).toFixed(1);
  console.log(`| ${name} | ${requests} | ${kB(sent)} | ${kB(received)} | ${seconds} | ${rest} |`);
}

const path = join(mkdtempSync(join(tmpdir(), "measure-")), "articles.db");
const store = new Store(new DatabaseSync(path), { api: client("br"), maxBodyBytes: 1e9 });
let before = 0;
async function sync(): Promise<string> {
  await store.sync();
  const { articles, bodies, statements } = store.stats();
  const executed = statements - before;
  before = statements;
  return `${executed.toLocaleString("en")} | ${kB(statSync(path).size)} | ${articles}, ${bodies}`;
}

console.log("| | requests | kB sent | kB received | CPU s | statements | kB on disk | articles, bodies |");
console.log("| --- | --- | --- | --- | --- | --- | --- | --- |");
const newest = new Store(new DatabaseSync(`${path}.newest`), { api: client("br"), maxBodyBytes: 2_000_000 });
await measured("first sync, 2 MB of bodies", async () => {
  await newest.sync();
  const { articles, bodies, statements } = newest.stats();
  return `${statements.toLocaleString("en")} | ${kB(statSync(`${path}.newest`).size)} | ${articles}, ${bodies}`;
});
await measured("first sync, everything", sync);
await measured("nothing new", sync);
if (key) {
  await writeDay(key);
  await measured("a day of changes", sync);
}

for (const [name, query] of [
  ["cards only", { fields: [...CARD_FIELDS] }],
  ["cards and bodies", { fields: [...CARD_FIELDS, ...BODY_FIELDS.slice(1)] }],
  ["all fields", {}],
] as const) {
  for (const coding of ["br", "gzip", "identity"]) {
    await measured(`/v1/changes, ${name}, ${coding}`, async () => {
      const pages = client(coding).changes({ ...query, limit: 1_000 } as QueryOf<"listChanges">).pages();
      for await (const page of pages) void page;
      return "| |";
    });
  }
}
store.close();
newest.close();
proxy.close();

/** Publish, update and withdraw articles, as a newsroom does in a day. */
async function writeDay(secret: string): Promise<void> {
  const editor = createClient({ baseUrl, store: null, key: secret });
  const { articles } = store.list({ limit: UPDATES + WITHDRAWALS });
  const path = (id: string) => ({ path: { slug_or_id: id }, headers: { "If-Match": "*" } });
  for (const [index, { id }] of articles.entries()) {
    const { data } = await editor.request("get", "/v1/articles/{slug_or_id}", { path: { slug_or_id: id } });
    const { headline, standfirst, body_html } = data;
    if (index < WITHDRAWALS) {
      await editor.request("delete", "/v1/articles/{slug_or_id}", path(id));
      continue;
    }
    const body = { headline: `${headline} (agg.)` };
    await editor.request("patch", "/v1/articles/{slug_or_id}", { ...path(id), body });
    if (index >= WITHDRAWALS + PUBLICATIONS) continue;
    const published = { headline, standfirst, body_html, status: "published" };
    await editor.request("post", "/v1/articles", { body: published as never });
  }
}
