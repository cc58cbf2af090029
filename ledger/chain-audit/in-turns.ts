/** Does `work` for each of `items`, for at most `atOnce` at a time. The first that fails ends it, once those begun have ended. */
export async function inTurns<Item>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const left = items.values();
  let failure: { readonly error: unknown } | null = null;
  const turn = async () => {
    for (const item of left) {
      if (failure) return;
      try {
        await work(item);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, turn));
  if (failure) throw (failure as { readonly error: unknown }).error;
}
