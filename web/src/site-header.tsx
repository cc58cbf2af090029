import type { ReactNode } from 'react';

const PAGES = [
  ['/', 'Buy'],
  ['/account', 'Account'],
  ['/docs', 'Docs'],
] as const;

/** What all pages begin with: the way to the others. `current` is the address of this one; `children` stand beside the links. */
export function SiteHeader({ current, children }: { current?: string; children?: ReactNode }) {
  return (
    <header className="site-header">
      <a href="/" className="site-name">
        AiSpace Credits
      </a>
      <nav aria-label="Site">
        {PAGES.map(([path, name]) => (
          <a key={path} href={path} aria-current={path === current ? 'page' : undefined}>
            {name}
          </a>
        ))}
        {children}
      </nav>
    </header>
  );
}
