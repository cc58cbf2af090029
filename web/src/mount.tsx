import { type ReactNode, StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import './design.css';

/** Shows a page in the place that its document has for it. */
export function mount(page: ReactNode): void {
  const place = document.getElementById('page');
  if (place === null) throw new Error('The document has no place for the page.');
  createRoot(place).render(<StrictMode>{page}</StrictMode>);
}
