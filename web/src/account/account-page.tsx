import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import type { KeyStatus } from '../../../client/src/account-types.ts';
import { ActivitySection } from './activity-section.tsx';
import { BalanceSection } from './balance-section.tsx';
import { GrantsSection } from './grants-section.tsx';
import { KeysSection } from './keys-section.tsx';
import { LotsSection } from './lots-section.tsx';
import { ProofSection } from './proof-section.tsx';
import { REFRESH_MS } from './refresh.ts';
import { useSession } from './session.ts';
import { UsageSection } from './usage-section.tsx';
import { WalletsSection } from './wallets-section.tsx';
import { WebhooksSection } from './webhooks-section.tsx';

export function AccountPage() {
  const { api, signOut } = useSession();
  const key = useQuery({
    queryKey: ['key'],
    queryFn: () => api.get<KeyStatus>('/v1/key'),
    refetchInterval: REFRESH_MS,
  });
  const title = useRef<HTMLHeadingElement>(null);
  // The form where the focus was is gone: keyboards and screen readers go on from the top.
  useEffect(() => title.current?.focus(), []);
  return (
    <>
      <header>
        <h1 ref={title} tabIndex={-1}>
          Your credits
        </h1>
        <nav aria-label="Pages">
          <a href="/">Buy credits</a>
          <button type="button" onClick={() => signOut()}>
            Sign out
          </button>
        </nav>
      </header>
      <main>
        <BalanceSection keyStatus={key.data} />
        {key.data && <SignedInWith keyStatus={key.data} />}
        {key.data?.scope === 'manage' && <Managing ownNumber={key.data.number} />}
        {key.data?.scope === 'spend' && (
          <p className="card">
            This key only spends: sign in with one that manages the account to see payments, activity and
            keys.
          </p>
        )}
      </main>
    </>
  );
}

function Managing({ ownNumber }: { ownNumber: number }) {
  return (
    <>
      <LotsSection />
      <UsageSection />
      <ActivitySection />
      <KeysSection ownNumber={ownNumber} />
      <GrantsSection />
      <WalletsSection />
      <WebhooksSection />
      <ProofSection />
    </>
  );
}

/** The key that is shown again to whoever has it in this tab already. */
function SignedInWith({ keyStatus }: { keyStatus: KeyStatus }) {
  const { secureKey } = useSession();
  const [isShown, setShown] = useState(false);
  return (
    <p className="quiet own-key">
      Account <code>{keyStatus.account}</code>, key {keyStatus.number}
      {keyStatus.label === null ? '' : ` (${keyStatus.label})`}{' '}
      <code>{isShown ? secureKey : `…${keyStatus.last_four}`}</code>{' '}
      <button type="button" onClick={() => setShown(!isShown)} aria-pressed={isShown}>
        {isShown ? 'Hide my key' : 'Show my key'}
      </button>
    </p>
  );
}
