import type { Api } from '../api.ts';

/** Everything that a list of the API has, page by page in its order. */
export async function all<Item>(
  api: Api,
  path: string,
  member: string,
  cursor: 'before' | 'after' = 'before',
) {
  const items: Item[] = [];
  for (let next: string | null = ''; next !== null; ) {
    const query = new URLSearchParams({ limit: '200', ...(next === '' ? {} : { [cursor]: next }) });
    const page: Record<string, unknown> = await api.get(`${path}?${query}`);
    items.push(...(page[member] as Item[]));
    next = page.next as string | null;
  }
  return items;
}
