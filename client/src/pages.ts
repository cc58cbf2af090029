/** Lists that come in pages, read one item after the other. */

export interface PageOptions {
  /** How many are asked for at a time, from 1 to 200; 50 when left out. */
  readonly limit?: number;
}

/** A path with those of the parameters that there are. */
export function withQuery(path: string, parameters: object): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}

/** Every item of every page. The next page is asked for once all of one were taken. */
export async function* itemsOf<Item>(
  readPage: (before: string | undefined) => Promise<{ items: readonly Item[]; next: string | null }>,
): AsyncGenerator<Item, void, undefined> {
  for (let before: string | undefined; ; ) {
    const { items, next } = await readPage(before);
    yield* items;
    if (next === null) return;
    before = next;
  }
}
