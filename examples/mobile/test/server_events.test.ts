/** What happens on the device when the server forgets, is restored, recalls, renames, merges, or the filter changes. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Removal } from "../src/store.js";
import { addTerm, assertEqualToApi, change, changeTerm, control, listed, merge, newPath, open, publish, recall } from "./support.js";

test("a recall deletes every byte of the article, and its open page learns of it", async () => {
  await addTerm("brands", "richiami", "Richiami");
  const secret = { headline: "Parolasegreta in titolo", standfirst: "Sommariosegreto", body_html: "<p>Corposegreto.</p>" };
  const article = await publish({ brand: "richiami", slug: "richiamato", ...secret });
  const expired = await publish({ brand: "richiami", slug: "scaduto", body_html: "<p>Dirittisegreti.</p>" });
  await publish({ brand: "richiami" });
  const { store, raw, path } = open(newPath(), { filter: { brand: "richiami" } });
  await store.sync();
  const words = /parolasegreta|sommariosegreto|corposegreto|dirittisegreti/i;
  assert.match(readFileSync(path, "latin1"), words);

  await recall(article.id);
  await recall(expired.id, "rights");
  const removals: Removal[] = [];
  await store.sync({ onProgress: ({ removed }) => removals.push(...removed) });
  assert.deepEqual(removals.map(({ slug, reason, gone }) => [slug, reason, gone?.reason]), [
    ["richiamato", "withdrawn", "legal"],
    ["scaduto", "withdrawn", "rights"],
  ]);
  const found = store.article("richiamato");
  assert(found?.status === "removed");
  assert.deepEqual([found.gone?.action, found.gone?.note], ["withdrawn", "Richiamo"]);
  assert.deepEqual(store.search("parolasegreta"), []);
  assert.doesNotMatch(readFileSync(path, "latin1"), words);
  await assertEqualToApi(store, raw, { brand: "richiami" });
});

test("a withdrawn article that is published again returns", async () => {
  await addTerm("brands", "ritorni", "Ritorni");
  const { id } = await publish({ brand: "ritorni", slug: "di-ritorno" });
  const { store } = open(newPath(), { filter: { brand: "ritorni" } });
  await store.sync();
  await change(id, { status: "draft" });
  await store.sync();
  assert.equal(store.article(id)?.status, "removed");
  await change(id, { status: "published" });
  await store.sync();
  assert.equal(store.article(id)?.status, "stored");
});

test("after 400 days the store is read anew, and stays readable meanwhile", async () => {
  await addTerm("brands", "anni", "Anni");
  const ids: string[] = [];
  for (let number = 0; number < 9; number++) ids.push((await publish({ brand: "anni" })).id);
  const { store, raw } = open(newPath(), { filter: { brand: "anni" }, pageSize: 4 });
  await store.sync();
  await recall(ids[0] as string);
  await change(ids[1] as string, { status: "draft" });
  await change(ids[2] as string, { headline: "Cambiato" });
  await publish({ brand: "anni" });
  await control("advance?days=461");
  const counts: number[] = [];
  const report = await store.sync({ onProgress: () => counts.push(listed(store).length) });
  assert(report.restarted);
  assert(counts.every((count) => count >= 7), String(counts));
  assert.deepEqual(report.removed.map(({ reason }) => reason).sort(), ["unpublished", "withdrawn"]);
  await assertEqualToApi(store, raw, { brand: "anni" });
  assert.equal((await store.sync()).restarted, false);
});

test("after a restore of the server, versions and numbers that were given again do not mislead the store", async () => {
  await addTerm("brands", "ripristini", "Ripristini");
  const kept = await publish({ brand: "ripristini", headline: "Resta" });
  const { store, raw } = open(newPath(), { filter: { brand: "ripristini" } });
  await store.sync();
  await control("save");
  await change(kept.id, { body_html: "<p>Prima del ripristino.</p>" });
  const lost = await publish({ brand: "ripristini", slug: "perduto" });
  await store.sync();
  await control("restore");
  await new Promise((resolve) => setTimeout(resolve, 1_500)); // caches of the server learn of it within a second
  await change(kept.id, { body_html: "<p>Dopo il ripristino.</p>" });
  const report = await store.sync();
  assert(report.restarted);
  const found = store.article(kept.id);
  assert(found?.status === "stored");
  assert.equal(found.body?.body_html, "<p>Dopo il ripristino.</p>");
  assert.deepEqual(report.removed.map(({ id, reason }) => [id, reason]), [[lost.id, "absent"]]);
  await assertEqualToApi(store, raw, { brand: "ripristini" });
});

test("a cursor that the server does not accept is replaced", async () => {
  await addTerm("brands", "cursori", "Cursori");
  await publish({ brand: "cursori" });
  const { store, raw } = open(newPath(), { filter: { brand: "cursori" } });
  await store.sync();
  raw.exec("UPDATE state SET cursor = 'AAAA'");
  assert((await store.sync()).restarted);
  await assertEqualToApi(store, raw, { brand: "cursori" });
});

test("a brand takes another slug, is merged, and brings the articles of the other one", async () => {
  await addTerm("brands", "prima", "Prima");
  await addTerm("brands", "seconda", "Seconda");
  for (let number = 0; number < 3; number++) await publish({ brand: "prima" });
  for (let number = 0; number < 2; number++) await publish({ brand: "seconda" });
  const filtered = open(newPath(), { filter: { brand: "prima" } });
  const whole = open();
  for (const { store } of [filtered, whole]) await store.sync();
  await changeTerm("brands", "prima", { slug: "rinominata", name: "Rinominata" });
  for (const { store } of [filtered, whole]) {
    assert.equal((await store.sync()).reread, 3);
    assert.equal(listed(store, { brand: "rinominata" }).length, 3);
    assert.equal(listed(store, { brand: "prima" }).length, 0);
  }
  await merge("brands", "seconda", "rinominata");
  for (const { store } of [filtered, whole]) {
    await store.sync();
    assert.equal(listed(store, { brand: "rinominata" }).length, 5);
    assert.deepEqual(new Set(listed(store, { brand: "rinominata" }).map(({ brand }) => brand?.name)), new Set(["Rinominata"]));
  }
  await assertEqualToApi(filtered.store, filtered.raw, { brand: "rinominata" });
  await assertEqualToApi(whole.store, whole.raw);
});

test("another filter adds what it has and removes what it lacks, and bodies that are stored are not read again", async () => {
  await addTerm("brands", "alfa", "Alfa");
  await addTerm("brands", "beta", "Beta");
  for (let number = 0; number < 3; number++) await publish({ brand: "alfa" });
  for (let number = 0; number < 2; number++) await publish({ brand: "beta" });
  const path = newPath();
  const first = open(path, { filter: { brand: "alfa" } });
  await first.store.sync();
  first.store.close();
  const both = open(path, { filter: { brand: ["alfa", "beta"] } });
  assert.equal((await both.store.sync()).bodies, 2);
  await assertEqualToApi(both.store, both.raw, { brand: ["alfa", "beta"] });
  both.store.close();
  const { store, raw } = open(path, { filter: { brand: "beta" } });
  const { removed, bodies } = await store.sync();
  assert.deepEqual([removed.length, bodies], [3, 0]);
  await assertEqualToApi(store, raw, { brand: "beta" });
});
