import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { problemIn } from '../api.ts';
import type { PageSettings } from '../orders/settings.ts';
import { Problem } from '../parts.tsx';

/** Asks which wallets there may be, where nobody has told yet. */
export function WithSettings({ children }: { children: (settings: PageSettings) => ReactNode }) {
  const { data, error } = useQuery({ queryKey: ['payment-methods'], queryFn: readSettings, retry: 3 });
  if (data) return children(data);
  return error ? <Problem error={error} /> : <p className="quiet">Loading…</p>;
}

async function readSettings(): Promise<PageSettings> {
  const response = await fetch('/v1/payment-methods', { cache: 'no-store', credentials: 'omit' });
  const text = await response.text();
  if (!response.ok) throw problemIn(response.status, text, '');
  return JSON.parse(text) as PageSettings;
}
