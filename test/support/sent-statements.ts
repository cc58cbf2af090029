import pg from 'pg';
import { vi } from 'vitest';

/** The texts of all statements that this process sends while `work` runs, each once. */
export async function sentStatements(work: () => Promise<void>): Promise<string[]> {
  const query = vi.spyOn(pg.Client.prototype, 'query');
  try {
    await work();
    const texts = query.mock.calls.map(([asked]: unknown[]) =>
      typeof asked === 'string' ? asked : (asked as { text: string }).text,
    );
    return [...new Set(texts)];
  } finally {
    query.mockRestore();
  }
}
