/** What the client does when the network or the API fails, against a small server. */
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import { createClient, createMemoryStore, ProblemError } from "newsapi-client";
import { serve } from "./support.js";

const LIST = { data: [], page: { limit: 20, next: null, prev: null }, links: { self: "", next: null, prev: null } };

function answer(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  const type = status < 400 ? "application/json" : "application/problem+json";
  response.writeHead(status, { "content-type": type, ...headers }).end(JSON.stringify(body));
}

/** Serve these answers, one for each request, and the list after them; return the client and what was requested. */
async function scripted(...script: ((response: ServerResponse) => unknown)[]) {
  const requests: { method: string; url: string; headers: NodeJS.Dict<string | string[]> }[] = [];
  const baseUrl = await serve((request, response) => {
    requests.push({ method: request.method ?? "", url: request.url ?? "", headers: request.headers });
    const next = script[requests.length - 1];
    if (next) next(response);
    else answer(response, 200, LIST);
  });
  return { api: createClient({ baseUrl }), requests };
}

const refused = (status: number, headers: Record<string, string> = {}, code = "unavailable") => (to: ServerResponse) =>
  answer(to, status, { type: `http://api/problems/${code}`, title: "No", status, detail: "", instance: "" }, headers);

test("a read that is refused for a moment is repeated when Retry-After says", async () => {
  const { api, requests } = await scripted(
    refused(502),
    (response) => response.destroy(),
    refused(429, { "retry-after": "0" }, "rate-limited"),
    refused(503, { "retry-after": new Date(Date.now() - 5000).toUTCString() }),
    refused(503, { "retry-after": "0" }, "behind"),
  );
  assert.deepEqual((await api.articles().page()).data, []);
  assert.equal(requests.length, 6);
});

test("a read waits as long as Retry-After says and no longer than maxWaitMs allows", async () => {
  const start = process.hrtime.bigint();
  const soon = await scripted(refused(429, { "retry-after": "1" }));
  await soon.api.articles().page();
  assert.ok(process.hrtime.bigint() - start >= 900_000_000n);
  const late = await scripted(refused(429, { "retry-after": "3600" }));
  await assert.rejects(late.api.articles().page(), (error) => error instanceof ProblemError && error.retryAfter === 3600);
  assert.equal(late.requests.length, 1);
  const never = await scripted(refused(503, { "retry-after": "0" }));
  await assert.rejects(never.api.articles({}, { maxWaitMs: 0 }).page(), ProblemError);
  assert.equal(never.requests.length, 1);
});

test("a read without any response is given up after three more attempts", async () => {
  const { api, requests } = await scripted(...Array(9).fill((response: ServerResponse) => response.destroy()));
  await assert.rejects(api.articles().page(), TypeError);
  assert.equal(requests.length, 4);
});

test("every onResponse is called: that of the client, of a derived client and of the call", async () => {
  const { api } = await scripted();
  const called: string[] = [];
  const listen = (name: string) => ({ onResponse: () => called.push(name) });
  await api.with(listen("a")).with(listen("b")).articles({}, listen("c")).page();
  assert.deepEqual(called, ["a", "b", "c"]);
});

test("other errors and other methods are not repeated", async () => {
  for (const status of [400, 401, 404, 410, 500]) {
    const { api, requests } = await scripted(refused(status, { "retry-after": "0" }));
    await assert.rejects(api.articles().page(), (error) => error instanceof ProblemError && error.status === status);
    assert.equal(requests.length, 1);
  }
  const { api, requests } = await scripted(refused(503, { "retry-after": "0" }));
  await assert.rejects(api.subscribe("brands", "ford", { email: "a@example.com" }), ProblemError);
  assert.equal(requests.length, 1);
});

test("a signal ends a wait, and a call that has not begun", async () => {
  const { api, requests } = await scripted(refused(503, { "retry-after": "10" }));
  const stop = new AbortController();
  const call = api.articles({}, { signal: stop.signal, onResponse: () => setImmediate(() => stop.abort()) }).page();
  await assert.rejects(call, { name: "AbortError" });
  assert.equal(requests.length, 1);
  await assert.rejects(api.articles({}, { signal: stop.signal }).page(), { name: "AbortError" });
  assert.equal(requests.length, 1);
});

test("a server that does not answer is given up after timeoutMs", async () => {
  const { api } = await scripted(() => undefined);
  await assert.rejects(api.articles({}, { timeoutMs: 50 }).page(), { name: "TimeoutError" });
});

test("the body of a response is bound by the timeout too", async () => {
  const { api } = await scripted((response) => response.writeHead(200, { "content-length": "100" }).write("{"));
  await assert.rejects(api.articles({}, { timeoutMs: 50 }).page(), { name: "TimeoutError" });
});

test("code is the member of the problem, or the name in its type, or empty", async () => {
  const codes: string[] = [];
  const { api } = await scripted(
    (to) => answer(to, 400, { type: "http://api/problems/bad-parameter", code: "bad-body", title: "No" }),
    (to) => answer(to, 404, { type: "http://api/problems/not-found" }),
    (to) => to.writeHead(500, { "content-type": "text/html" }).end("<h1>proxy</h1>"),
    (to) => answer(to, 500, null),
  );
  for (let count = 0; count < 4; count++) {
    await assert.rejects(api.articles().page(), (error) => {
      assert.ok(error instanceof ProblemError);
      codes.push(error.code);
      return true;
    });
  }
  assert.deepEqual(codes, ["bad-body", "not-found", "", ""]);
});

test("parameters are written as the API reads them", async () => {
  const { api, requests } = await scripted();
  await api.articles({ brand: ["a", "b"], limit: 5, section: undefined, q: "c d&e", total: true }).page();
  assert.equal(requests[0]?.url, "/v1/articles?brand=a%2Cb&limit=5&q=c+d%26e&total=true");
  await api.articles({ min_seq: 7 }, { headers: { "x-trace": "1" } }).page();
  assert.equal(requests[1]?.url, "/v1/articles?min_seq=7");
  assert.equal(requests[1]?.headers["x-trace"], "1");
  await api.brand("../v1/me");
  assert.equal(requests[2]?.url, "/v1/brands/..%2Fv1%2Fme");
});

test("events teach the highest number, in any order, and reads carry it", async () => {
  const { api, requests } = await scripted();
  for (const seq of [5, 9, 7]) api.sawEvent({ data: { seq } });
  api.sawEvent({ data: { webhook: "x" } });
  assert.equal(api.minSeq, 9);
  await api.with({ timeoutMs: 1000 }).articles().page();
  await api.request("get", "/v1/me");
  assert.deepEqual(
    requests.map((request) => request.url),
    ["/v1/articles?min_seq=9", "/v1/me"],
  );
});

test("what must not be stored is not stored, and with a key nothing is", async () => {
  const etag = { etag: '"a"' };
  const plain = await scripted(
    (to) => answer(to, 200, LIST, { ...etag, "cache-control": "private, no-store" }),
    (to) => answer(to, 200, LIST, { ...etag, "cache-control": "public, max-age=0" }),
    (to) => answer(to, 200, LIST, { ...etag, "cache-control": "public, max-age=0" }),
  );
  for (let count = 0; count < 3; count++) await plain.api.articles().page();
  assert.deepEqual(
    plain.requests.map((request) => request.headers["if-none-match"]),
    [undefined, undefined, '"a"'],
  );
  const { requests } = plain;
  const keyed = createClient({ baseUrl: `http://${requests[0]?.headers["host"]}`, key: "k" });
  await keyed.articles().page();
  await keyed.articles().page();
  assert.equal(requests.at(-1)?.headers["authorization"], "Bearer k");
  assert.equal(requests.at(-1)?.headers["if-none-match"], undefined);
});

test("a changelog whose waiting places are taken is asked again when it says", async () => {
  const changes = { data: [], cursor: "c", has_more: false };
  const change = { ...changes, data: [{ id: "1" }] };
  const { api, requests } = await scripted(
    (to) => answer(to, 200, changes, { "retry-after": "1" }),
    (to) => answer(to, 200, change),
  );
  const start = process.hrtime.bigint();
  for await (const item of api.changes({ wait: 5, brand: "ford" })) {
    assert.equal(item.id, "1");
    break;
  }
  assert.ok(process.hrtime.bigint() - start >= 900_000_000n);
  assert.deepEqual(
    requests.map((request) => request.url),
    ["/v1/changes?wait=5&brand=ford", "/v1/changes?cursor=c&wait=5"],
  );
});

test("a store in memory keeps what was used last within its size", async () => {
  const store = createMemoryStore(10);
  const response = (body: string) => ({ etag: "e", body, tags: "" });
  await store.set("a", response("aaaa"));
  await store.set("b", response("bbbb"));
  assert.ok(await store.get("a"));
  await store.set("c", response("cccc"));
  await store.set("d", response("d".repeat(11)));
  assert.deepEqual(
    ["a", "b", "c", "d"].map((url) => store.get(url) !== undefined),
    [true, false, true, false],
  );
});
