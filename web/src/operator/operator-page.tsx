import { useEffect, useRef } from 'react';
import { AlarmsSection } from './alarms-section.tsx';
import { DebtsSection } from './debts-section.tsx';
import { OverviewSection } from './overview-section.tsx';
import { ReceiptsSection } from './receipts-section.tsx';
import { ReconciliationSection } from './reconciliation-section.tsx';
import { RevenueSection } from './revenue-section.tsx';
import { SuspenseSection } from './suspense-section.tsx';

export function OperatorPage({ signOut }: { signOut: () => void }) {
  const title = useRef<HTMLHeadingElement>(null);
  // The form where the focus was is gone: keyboards and screen readers go on from the top.
  useEffect(() => title.current?.focus(), []);
  return (
    <>
      <header>
        <h1 ref={title} tabIndex={-1}>
          Operators
        </h1>
        <nav aria-label="Pages">
          <a href="/docs">Reference</a>
          <button type="button" onClick={signOut}>
            Sign out
          </button>
        </nav>
      </header>
      <main>
        <OverviewSection />
        <AlarmsSection />
        <SuspenseSection />
        <ReceiptsSection />
        <DebtsSection />
        <ReconciliationSection />
        <RevenueSection />
      </main>
    </>
  );
}
