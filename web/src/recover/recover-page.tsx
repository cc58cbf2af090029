/** Lost key: a wallet that is linked to the account signs for a new one. */
import { SiteHeader } from '../site-header.tsx';
import { WalletQueries, WalletRoot } from '../wallet/wallet-root.tsx';
import { WithSettings } from '../wallet/with-settings.tsx';
import { RecoverySteps } from './recovery-steps.tsx';

export function RecoverPage() {
  return (
    <>
      <SiteHeader current="/recover" />
      <main>
        <h1>Recover your account</h1>
        <WalletQueries>
          <WithSettings>
            {settings => (
              <WalletRoot settings={settings}>
                <RecoverySteps />
              </WalletRoot>
            )}
          </WithSettings>
        </WalletQueries>
      </main>
    </>
  );
}
