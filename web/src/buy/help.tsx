import type { ReactNode } from 'react';

/** What is there for whoever wants to know more, beside the step that it is about. */
export function Help({ title, children }: { title: string; children: ReactNode }) {
  return (
    <details className="help">
      <summary>{title}</summary>
      {children}
    </details>
  );
}
