/** After random changes and random kills, a store equals the API. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { addTerm, assertEqualToApi, change, changeTerm, merge, newPath, open, publish, recall } from "./support.js";

const KILLED_SYNC = fileURLToPath(new URL("killed_sync.js", import.meta.url));
const ROUNDS = 12;

/** Return numbers from 0 to 1 that depend on the seed only (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function syncAndKill(path: string, filter: object, statements: number): boolean {
  const args = [KILLED_SYNC, path, JSON.stringify(filter), String(statements)];
  const { signal, status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  assert(signal === "SIGKILL" || status === 0, stderr);
  return signal === "SIGKILL";
}

test("a store equals the API after random changes and kills", async () => {
  const random = generator(7);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const prefix = "c";
  const brands = [0, 1, 2, 3].map((number) => `${prefix}-brand-${number}`);
  const sections = [0, 1].map((number) => `${prefix}-section-${number}`);
  const authors = [0, 1].map((number) => `${prefix}-author-${number}`);
  for (const slug of brands) await addTerm("brands", slug, slug);
  for (const slug of sections) await addTerm("sections", slug, slug);
  for (const slug of authors) await addTerm("authors", slug, slug);
  const ids: string[] = [];
  let count = 0;

  const fields = (): Record<string, unknown> => ({
    headline: `Titolo ${(count += 1)}`,
    body_html: `<p>Testo ${count}.</p>`,
    brand: pick([...brands, null]),
    section: pick(sections),
    authors: random() < 0.5 ? [pick(authors)] : [],
  });
  const acts = [
    async () => void ids.push((await publish(fields())).id),
    async () => void ids.push((await publish(fields())).id),
    async () => change(pick(ids), fields()),
    async () => change(pick(ids), { status: pick(["draft", "published"]) }),
    async () => change(pick(ids), { slug: `${prefix}-slug-${(count += 1)}` }),
    async () => recall(pick(ids)),
    async () => changeTerm("brands", pick(brands), { name: `Marca ${(count += 1)}` }),
    async () => changeTerm("authors", pick(authors), { name: `Autore ${(count += 1)}` }),
    async () => {
      const terms = pick([brands, sections, authors]);
      const kind = terms === brands ? "brands" : terms === sections ? "sections" : "authors";
      const place = Math.floor(random() * terms.length);
      const slug = `${prefix}-${kind}-renamed-${(count += 1)}`;
      await changeTerm(kind, terms[place] as string, { slug });
      terms[place] = slug;
    },
    async () => {
      // Two brands exchange their slugs.
      const [one, other] = [brands[0] as string, brands[1] as string];
      await changeTerm("brands", one, { slug: `${prefix}-meanwhile-${(count += 1)}` });
      await changeTerm("brands", other, { slug: one });
      await changeTerm("brands", `${prefix}-meanwhile-${count}`, { slug: other });
    },
    async () => {
      if (brands.length > 3) await merge("brands", brands.pop() as string, brands[2] as string);
    },
  ];

  const stores = [{}, { section: sections[0] as string }].map((filter) => ({ filter, path: newPath() }));
  let kills = 0;
  let refused = 0;
  for (let number = 0; number < 30; number++) ids.push((await publish(fields())).id);
  for (let round = 0; round < ROUNDS; round++) {
    for (let number = 0; number < 10; number++) {
      await pick(acts)().catch((error: { status?: number }) => {
        // A withdrawn article takes no changes, and not every status may follow another.
        assert(error.status === 409 || error.status === 404 || error.status === 410 || error.status === 422, String(error));
        refused += 1;
      });
    }
    for (const { filter, path } of stores) if (syncAndKill(path, filter, 1 + Math.floor(random() * 120))) kills += 1;
  }
  assert(kills > ROUNDS / 2, `${kills} kills`);
  assert(refused < ROUNDS * 3, `${refused} refused`);
  for (const { filter, path } of stores) {
    const { store, raw } = open(path, { filter, pageSize: 5 });
    await store.sync();
    await assertEqualToApi(store, raw, filter.section ? { section: sections[0] as string } : {});
    store.close();
  }
});
