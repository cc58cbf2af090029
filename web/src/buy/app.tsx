import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { isWorthRepeating } from '../api.ts';
import { SiteHeader } from '../site-header.tsx';
import { BuyPage } from './buy-page.tsx';
import './buy.css';

const client = new QueryClient({
  defaultOptions: {
    queries: {
      retry: isWorthRepeating,
    },
  },
});

export function App() {
  return (
    <QueryClientProvider client={client}>
      <SiteHeader current="/" />
      <BuyPage />
    </QueryClientProvider>
  );
}
