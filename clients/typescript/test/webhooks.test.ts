import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { test } from "node:test";
import * as astro from "newsapi-client/astro";
import * as next from "newsapi-client/next";
import { createRevalidateHandler, verifyWebhook, WebhookVerificationError } from "newsapi-client/webhooks";
import { bodyOf, editor, publish, reader, serve } from "./support.js";

const SECRET = `whsec_${Buffer.from("a secret of the tests, 32 bytes!").toString("base64")}`;
const OTHER = `whsec_${Buffer.from("another secret").toString("base64")}`;
const EVENT = { type: "cache.invalidated", timestamp: "2026-03-01T06:00:00Z", data: { seq: 7, tags: ["brand:ford"] } };

const now = () => Math.floor(Date.now() / 1000);

function sign(body: string, secret = SECRET, id = "msg_1", time: number | string = now()): Record<string, string> {
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${time}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": String(time), "webhook-signature": `v1,${signature}` };
}

function call(event: object, id = "msg_1", secret = SECRET): Request {
  const body = JSON.stringify(event);
  return new Request("http://site/hook", { method: "POST", body, headers: sign(body, secret, id) });
}

const failure = (reason: string) => (error: unknown) =>
  error instanceof WebhookVerificationError && error.reason === reason;

test("a signed call is its event, from a Request or from headers and body", async () => {
  const { id, event } = await verifyWebhook(call(EVENT), { secrets: SECRET });
  assert.equal(id, "msg_1");
  assert.deepEqual(event, EVENT);
  const body = JSON.stringify(EVENT);
  await verifyWebhook({ headers: sign(body), body }, { secrets: [OTHER, SECRET] });
  await verifyWebhook({ headers: new Headers(sign(body)), body: Buffer.from(body) }, { secrets: SECRET });
});

test("one of several signatures suffices", async () => {
  const body = JSON.stringify(EVENT);
  const both = { ...sign(body) };
  both["webhook-signature"] = `v1,AAAA v1a,zzz ${sign(body, OTHER)["webhook-signature"]} ${both["webhook-signature"]}`;
  await verifyWebhook({ headers: both, body }, { secrets: SECRET });
  await verifyWebhook({ headers: both, body }, { secrets: OTHER });
});

test("what is not signed by a secret, or long ago, or altered, or no event, is refused with the reason", async () => {
  const body = JSON.stringify(EVENT);
  const headers = sign(body);
  const refuse = (reason: string, given: Record<string, string | undefined>, text = body) =>
    assert.rejects(verifyWebhook({ headers: given, body: text }, { secrets: SECRET }), failure(reason));
  await refuse("signature-invalid", sign(body, OTHER));
  await refuse("signature-invalid", headers, `${body} `);
  await refuse("signature-invalid", { ...headers, "webhook-id": "msg_2" });
  for (const signature of ["", "v1,", "v1,***", "v2,AAAA", "AAAA", "v1"]) {
    await refuse(signature ? "signature-invalid" : "header-missing", { ...headers, "webhook-signature": signature });
  }
  for (const name of Object.keys(headers)) await refuse("header-missing", { ...headers, [name]: undefined });
  for (const time of [now() - 301, now() + 302, "soon", "-1", "1e9", `${now()}.5`]) {
    await refuse("timestamp-outside-tolerance", sign(body, SECRET, "msg_1", time));
  }
  await verifyWebhook(
    { headers: sign(body, SECRET, "msg_1", now() - 400), body },
    { secrets: SECRET, toleranceSeconds: 500 },
  );
  for (const text of ["", "[]", "null", "{}", "{", "x".repeat(70_000)]) {
    await refuse("body-invalid", sign(text), text);
  }
  await assert.rejects(verifyWebhook({ headers, body }, { secrets: "whsec_***" }), TypeError);
  await assert.rejects(verifyWebhook({ headers, body }, { secrets: "" }), TypeError);
});

test("the handler invalidates, learns the number and acknowledges repetitions", async () => {
  const invalidated: string[][] = [];
  const refetched: number[] = [];
  const client = reader();
  const handle = createRevalidateHandler({
    secrets: SECRET,
    client,
    revalidate: (tags) => invalidated.push(tags),
    refetch: (_, api) => refetched.push(api?.minSeq ?? 0),
  });
  const statuses = [];
  for (const [id, seq] of [
    ["a", 7],
    ["b", 9],
    ["a", 7],
    ["c", 8],
  ] as const) {
    statuses.push((await handle(call({ ...EVENT, data: { ...EVENT.data, seq } }, id))).status);
  }
  assert.deepEqual(statuses, [200, 200, 200, 200]);
  assert.deepEqual(invalidated, Array(3).fill(["brand:ford", "brand:*", "*"]));
  assert.deepEqual(refetched, [7, 9, 9]);
  const ping = await handle(call({ ...EVENT, type: "webhook.ping", data: { webhook: "x" } }, "d"));
  assert.deepEqual(await ping.json(), { revalidated: [] });
});

test("the handler refuses with the reason, and invalidates nothing", async () => {
  const handle = createRevalidateHandler({ secrets: SECRET, revalidate: () => assert.fail("invalidated") });
  const wrong = await handle(call(EVENT, "a", OTHER));
  assert.equal(wrong.status, 401);
  assert.equal(wrong.headers.get("content-type"), "application/problem+json");
  assert.equal(((await wrong.json()) as { code: string }).code, "signature-invalid");
  assert.equal((await handle(new Request("http://site/hook", { method: "POST", body: "{}" }))).status, 400);
  assert.equal((await handle(new Request("http://site/hook"))).status, 405);
});

test("an event whose invalidation fails is not acknowledged, and handled when it comes again", async () => {
  let attempts = 0;
  const handle = createRevalidateHandler({
    secrets: SECRET,
    revalidate: () => {
      if (attempts++ === 0) throw new Error("the cache is down");
    },
  });
  await assert.rejects(handle(call(EVENT)), /the cache is down/);
  assert.equal((await handle(call(EVENT))).status, 200);
  assert.equal(attempts, 2);
});

test("keys beyond the limits of a cache are coarsened, and an event reaches what stands for them", async () => {
  const keys = [
    "articles",
    `slug:${"a".repeat(300)}`,
    ...Array.from({ length: 200 }, (_, index) => `article:${index}`),
    ...Array.from({ length: 60 }, (_, index) => `brand:b${index}`),
  ];
  const tags = next.fitTags(keys);
  assert.ok(tags.length <= 128);
  assert.ok(tags.every((tag) => tag.length <= 256));
  assert.deepEqual(next.fitTags(["a:1", "a:1", "b:2"]), ["a:1", "b:2"]);
  assert.deepEqual(next.fitTags(Array.from({ length: 200 }, (_, index) => `kind${index}:x`)), ["*"]);
  for (const key of keys) {
    const invalidated: string[] = [];
    const handle = createRevalidateHandler({ secrets: SECRET, revalidate: (given) => invalidated.push(...given) });
    await handle(call({ ...EVENT, data: { seq: 1, tags: [key] } }));
    assert.ok(invalidated.some((tag) => tags.includes(tag)), key);
    assert.ok(invalidated.every((tag) => tag.length <= 256));
  }
});

/** Wait for the events of a webhook of the running API. */
async function receive() {
  const api = editor();
  const calls: { headers: IncomingHttpHeaders; body: Buffer }[] = [];
  let handle: ((request: Request) => Promise<Response>) | undefined;
  const url = await serve(async (request, response) => {
    const body = await bodyOf(request);
    const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)] as [string, string]);
    const forwarded = new Request("http://site/hook", { method: "POST", body: new Uint8Array(body), headers });
    const answer = await handle?.(forwarded);
    response.writeHead(answer?.status ?? 204).end();
    calls.push({ headers: request.headers, body });
  });
  const { data: webhook } = await api.request("post", "/v1/webhooks", { body: { url, events: ["cache.invalidated"] } });
  const arrived = async (about: string) => {
    for (;;) {
      const found = calls.find(({ body }) => body.includes(about));
      if (found) return found;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  return { api, webhook, arrived, handleWith: (handler: typeof handle) => (handle = handler) };
}

test("calls of the running API are verified, before, while and after its secret is rotated", async () => {
  const { api, webhook, arrived } = await receive();
  const old = webhook.secret ?? "";
  const first = await publish(api, { brand: "ford" });
  const { event } = await verifyWebhook(await arrived(first.slug), { secrets: old });
  assert.equal(event.type, "cache.invalidated");
  assert.ok(event.data.tags.includes("brand:ford"));
  const { data: rotated } = await api.request("post", "/v1/webhooks/{id}/rotate", { path: { id: webhook.id } });
  const second = await publish(api, { brand: "ford" });
  const delivery = await arrived(second.slug);
  await verifyWebhook(delivery, { secrets: rotated.secret ?? "" });
  await verifyWebhook(delivery, { secrets: old });
  await assert.rejects(verifyWebhook(delivery, { secrets: OTHER }), failure("signature-invalid"));
  await api.request("delete", "/v1/webhooks/{id}", { path: { id: webhook.id } });
});

test("a cached page that an event of the running API names is dropped, and built again with the change", async () => {
  const site = reader();
  const { api, webhook, arrived, handleWith } = await receive();
  const pages = new Map<string, { html: string; tags: string[] }>();
  const page = async (path: string, build: (client: typeof site) => Promise<string>) => {
    const cached = pages.get(path);
    if (cached) return cached.html;
    let tags: string[] = [];
    const html = await next.tagged(site, (...given) => (tags = given), build);
    pages.set(path, { html, tags });
    return html;
  };
  const route = next.createRevalidateRoute({
    secrets: webhook.secret ?? "",
    client: site,
    revalidateTag: (tag, profile) => {
      assert.deepEqual(profile, { expire: 0 });
      for (const [path, { tags }] of pages) if (tags.includes(tag)) pages.delete(path);
    },
  });
  handleWith((request) => route(request));
  const brand = (slug: string) => () =>
    page(`/${slug}`, async (client) => (await client.articles({ brand: slug }).page()).data[0]?.slug ?? "");
  const [ford, ferrari] = [brand("porsche"), brand("jeep")];
  const [before, other] = [await ford(), await ferrari()];
  const { slug } = await publish(api, { brand: "porsche" });
  await arrived(slug);
  assert.ok(pages.has("/jeep"), "the page of another brand was dropped");
  assert.notEqual(await ford(), before);
  assert.equal(await ford(), slug);
  assert.equal(await ferrari(), other);
  await api.request("delete", "/v1/webhooks/{id}", { path: { id: webhook.id } });
});

test("a live loader of Astro returns entries with hints, and errors as values", async () => {
  const loader = astro.articleLoader(reader(), { limit: 3 });
  const list = await loader.loadCollection({ filter: { brand: "land-rover" } });
  assert.ok("entries" in list);
  assert.equal(list.entries.length, 3);
  assert.ok(list.cacheHint.tags.includes("brand:land-rover"));
  const entry = await loader.loadEntry({ filter: { id: list.entries[0]?.id ?? "" } });
  assert.ok(entry && "data" in entry);
  assert.match(entry.rendered?.html ?? "", /^</);
  assert.ok(entry.cacheHint?.lastModified instanceof Date);
  assert.equal(await loader.loadEntry({ filter: { id: "there-is-no-such-slug" } }), undefined);
  assert.ok("error" in (await loader.loadCollection({ filter: { limit: 1000 } })));
});

test("a page for a slug that does not exist yet is tagged, so that its publication drops it", async () => {
  const { data, cacheHint } = await astro.withCacheHint(reader(), async (client) => {
    try {
      return await client.article("there-is-no-such-slug");
    } catch {
      return null;
    }
  });
  assert.equal(data, null);
  assert.deepEqual(cacheHint.tags, ["slug:there-is-no-such-slug"]);
});

test("the route of Astro invalidates through the cache of its context", async () => {
  const POST = astro.createRevalidateRoute({ secrets: SECRET });
  const invalidated: string[] = [];
  const cache = { invalidate: async ({ tags }: { tags: string[] }) => void invalidated.push(...tags) };
  assert.equal((await POST({ request: call(EVENT), cache })).status, 200);
  assert.deepEqual(invalidated, ["brand:ford", "brand:*", "*"]);
});
