import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { ApiProblem } from '../api.ts';
import { SiteHeader } from '../site-header.tsx';
import { BuyPage } from './buy-page.tsx';
import './buy.css';

/** What passes by itself. */
const PASSING = [0, 429, 502, 503, 504];

const client = new QueryClient({
  defaultOptions: {
    queries: {
      retry: (count, error) => count < 3 && error instanceof ApiProblem && PASSING.includes(error.status),
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
