import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { orderApi } from '../orders/order-api.ts';
import type { PageSettings } from '../orders/settings.ts';
import { Problem } from '../parts.tsx';

/** Asks which wallets there may be, where nobody has told yet. */
export function WithSettings({ children }: { children: (settings: PageSettings) => ReactNode }) {
  const { data, error } = useQuery({ queryKey: ['payment-methods'], queryFn: orderApi.settings, retry: 3 });
  if (data) return children(data);
  return error ? <Problem error={error} /> : <p className="quiet">Loading…</p>;
}
