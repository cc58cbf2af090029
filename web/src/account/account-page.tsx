import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import type { KeyStatus } from '../../../client/src/account-types.ts';
import { Time } from '../parts.tsx';
import { SiteHeader } from '../site-header.tsx';
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
  const { api, signedIn, lookAgain, signOut } = useSession();
  const key = useQuery({
    // Of an earlier key it says nothing about this one.
    queryKey: ['key', signedIn.number],
    queryFn: () => api.get<KeyStatus>('/v1/key'),
    refetchInterval: REFRESH_MS,
  });
  const title = useRef<HTMLHeadingElement>(null);
  // The form where the focus was is gone: keyboards and screen readers go on from the top.
  useEffect(() => title.current?.focus(), []);
  const isOther =
    key.data !== undefined && (key.data.account !== signedIn.account || key.data.number !== signedIn.number);
  const toldAt = key.dataUpdatedAt;
  // Each time that it is told: the page may have been kept open before.
  useEffect(() => {
    if (isOther && toldAt > 0) lookAgain();
  }, [isOther, toldAt, lookAgain]);
  return (
    <>
      <SiteHeader current="/account">
        <button type="button" onClick={signOut}>
          Sign out
        </button>
      </SiteHeader>
      <main>
        <h1 ref={title} tabIndex={-1}>
          Your credits
        </h1>
        <BalanceSection keyStatus={key.data} />
        <SignedInWith />
        {signedIn.scope === 'manage' ? (
          <Managing ownNumber={signedIn.number} />
        ) : (
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

/** The key is shown again to whoever has it in this tab already. */
function SignedInWith() {
  const { secureKey, signedIn } = useSession();
  const [isShown, setShown] = useState(false);
  return (
    <p className="quiet own-key">
      Account <code>{signedIn.account}</code>, key {signedIn.number}
      {signedIn.label === null ? '' : ` (${signedIn.label})`}{' '}
      <code>{isShown && secureKey !== null ? secureKey : `…${signedIn.last_four}`}</code>{' '}
      {secureKey === null ? (
        <span>The page was reloaded: to manage the account you will be asked for the key.</span>
      ) : (
        <button type="button" onClick={() => setShown(!isShown)} aria-pressed={isShown}>
          {isShown ? 'Hide my key' : 'Show my key'}
        </button>
      )}
      <span>
        Signed in until <Time at={signedIn.expires_at} />.
      </span>
    </p>
  );
}
