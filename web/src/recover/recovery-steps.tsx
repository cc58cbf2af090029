import { useId, useState } from 'react';
import { createApi } from '../api.ts';
import { Section } from '../parts.tsx';
import { AskingNote } from '../wallet/asking-note.tsx';
import { ConnectedWallet, type ConnectedWalletAccount } from '../wallet/connected-wallet.tsx';
import { signWithWallet } from '../wallet/sign-message.ts';
import { useAsking } from '../wallet/use-asking.ts';
import type { Challenge } from '../wallet/wallet-challenge.ts';

const ACCOUNT = /^acct_[0-7][0-9a-f]{15}$/;

export function RecoverySteps() {
  return (
    <>
      <Section title="What this does">
        <p>
          If you lost your Secure Key, or somebody else has it, a wallet that is linked to your account gets
          you a new one. At the same time everything else that opens the account ends:
        </p>
        <ul>
          <li>all its Secure Keys, also those that services and other people use,</li>
          <li>all grants to services,</li>
          <li>the links of wallets that were linked after this one; those linked before it stay,</li>
          <li>keys of the account’s orders that were not claimed yet.</li>
        </ul>
        <p>Your credits, lots and history stay as they are.</p>
        <details>
          <summary>Why 72 hours?</summary>
          <p>
            A wallet can recover an account once it has been <strong>linked for 72 hours</strong>. Whoever
            steals a key could link a wallet of their own; for these 72 hours you can still unlink it on the
            account page, or recover with your older wallet, which ends their link. Unlinked with a key only,
            a wallet can recover for another 72 hours.
          </p>
        </details>
        <details>
          <summary>No wallet was linked?</summary>
          <p>
            Then nothing here can open the account, as nobody but the holder of the key is known. If the
            order’s page is still open in some tab, its key can be claimed there for 24 hours after the first
            time.
          </p>
        </details>
      </Section>
      <Section title="Sign with the linked wallet">
        <ConnectedWallet purpose="that is linked to the account">
          {wallet => <SignStep key={wallet.address} wallet={wallet} />}
        </ConnectedWallet>
      </Section>
    </>
  );
}

function SignStep({ wallet }: { wallet: ConnectedWalletAccount }) {
  const asking = useAsking();
  const [account, setAccount] = useState('');
  const [mistake, setMistake] = useState<string | null>(null);
  const mistakeId = useId();
  const sign = () => {
    const name = account.trim();
    if (name !== '' && !ACCOUNT.test(name)) {
      setMistake(
        'The name of an account is acct_ and 16 characters from 0 to f: copy it whole, or leave it out.',
      );
      return;
    }
    setMistake(null);
    asking.run(async () => {
      const asked = { address: wallet.address, ...(name === '' ? {} : { account: name }) };
      const challenge = await createApi(null).send<Challenge>('POST', '/v1/wallets/challenges', {
        action: 'recover',
        ...asked,
      });
      const signature = await signWithWallet(wallet, challenge.message);
      // The new key is shown on a page without wallet code: it asks for it there.
      const { message, session } = challenge;
      sessionStorage.setItem('recovery', JSON.stringify({ ...asked, message, signature, session }));
      location.assign('/key');
    });
  };
  return (
    <form
      className="wallet-part"
      noValidate
      onSubmit={event => {
        event.preventDefault();
        sign();
      }}
    >
      <label>
        Account (only if this wallet is linked to several)
        <input
          value={account}
          onChange={event => setAccount(event.target.value)}
          placeholder="acct_…"
          autoComplete="off"
          spellCheck={false}
          aria-invalid={mistake !== null}
          aria-describedby={mistakeId}
        />
      </label>
      <p id={mistakeId} role="alert" className="problem">
        {mistake}
      </p>
      <button type="submit" className="primary" disabled={asking.isAsking}>
        Sign and get a new Secure Key
      </button>
      <AskingNote asking={asking} for="to sign for the recovery" />
      <p className="quiet">
        You sign a message that says what happens; nothing is paid. The next page shows the new key: have a
        place ready to keep it.
      </p>
    </form>
  );
}
