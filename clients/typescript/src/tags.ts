/** Tags of cached pages, within the limits of the caches: what is beyond is coarsened, and nothing is dropped. */

/** The most tags that Next.js keeps for an entry. */
export const MAX_TAGS = 128;

/** The longest tag that Next.js keeps, in characters. */
export const MAX_TAG_LENGTH = 256;

/** The coarsest tag: every event invalidates it. */
const ANY = "*";

function coarsen(tag: string): string {
  return `${tag.split(":", 1)[0]?.slice(0, MAX_TAG_LENGTH - 2)}:*`;
}

/**
 * Return at most `maxTags` tags that stand for all surrogate keys of a page. Keys that are too long or too many are
 * replaced with the tag of their kind, such as `article:*`, those of the most frequent kind first.
 */
export function fitTags(surrogateKeys: Iterable<string>, maxTags = MAX_TAGS): string[] {
  const kinds = new Map<string, Set<string>>();
  for (const key of surrogateKeys) {
    const kind = coarsen(key);
    const keys = kinds.get(kind) ?? new Set();
    kinds.set(kind, keys.add(key.length > MAX_TAG_LENGTH ? kind : key));
  }
  if (kinds.size > maxTags) return [ANY];
  const bySize = [...kinds].sort(([, a], [, b]) => b.size - a.size);
  let count = bySize.reduce((sum, [, keys]) => sum + keys.size, 0);
  return bySize.flatMap(([kind, keys]) => {
    if (count <= maxTags) return [...keys];
    count -= keys.size - 1;
    return [kind];
  });
}

/** Return the tags to invalidate for surrogate keys: the keys and the coarse tags that may stand for them. */
export function invalidatedTags(surrogateKeys: readonly string[]): string[] {
  if (surrogateKeys.length === 0) return [];
  const fitting = surrogateKeys.filter((key) => key.length <= MAX_TAG_LENGTH);
  return [...new Set([...fitting, ...surrogateKeys.map(coarsen), ANY])];
}

/** Collects the surrogate keys of all responses: pass `onResponse` to the client. */
export function createTagCollector(): {
  onResponse: (info: { readonly tags: readonly string[] }) => void;
  tags: () => string[];
} {
  const keys = new Set<string>();
  return {
    onResponse: (info) => {
      for (const tag of info.tags) keys.add(tag);
    },
    tags: () => fitTags(keys),
  };
}
