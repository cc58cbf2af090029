/** Offers to link a wallet to the account of a paid order, before its key is shown. */
import { useState } from 'react';
import { createApi } from '../api.ts';
import type { EthOrder, WithSecret } from '../orders/order.ts';
import { Time } from '../parts.tsx';
import { AskingNote } from './asking-note.tsx';
import { ConnectedWallet, type ConnectedWalletAccount } from './connected-wallet.tsx';
import { signWithWallet } from './sign-message.ts';
import { useAsking } from './use-asking.ts';
import type { Challenge } from './wallet-challenge.ts';
import { WalletQueries, WalletRoot } from './wallet-root.tsx';
import { WithSettings } from './with-settings.tsx';

interface Linked {
  readonly address: string;
  readonly account: string;
  readonly recovers_from: string;
}

export default function LinkWallet({ order }: { order: WithSecret<Pick<EthOrder, 'id'>> }) {
  return (
    <WalletQueries>
      <WithSettings>
        {settings => (
          <WalletRoot settings={settings}>
            <Link order={order} />
          </WalletRoot>
        )}
      </WithSettings>
    </WalletQueries>
  );
}

function Link({ order }: { order: WithSecret<Pick<EthOrder, 'id'>> }) {
  const [linked, setLinked] = useState<Linked | null>(null);
  if (linked)
    return (
      <div className="wallet-part">
        <p role="status" className="good">
          Linked: <code>{linked.address}</code> can get this account back from{' '}
          <Time at={linked.recovers_from} /> on.
        </p>
        <p>
          Note the name of your account: <code>{linked.account}</code>. If you lose your Secure Key, go to{' '}
          <a href="/recover">Recover</a> with this wallet.
        </p>
      </div>
    );
  return (
    <div className="wallet-part">
      <p>
        Your Secure Key is the only way to your credits. If you link a wallet now, it can get you a new key
        should you lose this one: <strong>72 hours after linking</strong>, not earlier, so that a thief of
        your key cannot link a wallet and take the account over at once. What the wallet pays later without a
        reference goes to this account, too.
      </p>
      <ConnectedWallet purpose="to link">
        {wallet => <LinkButton order={order} wallet={wallet} onLinked={setLinked} />}
      </ConnectedWallet>
      <p className="quiet">
        Link only a wallet whose keys are yours: not that of an exchange. You sign a message; nothing is paid
        and nothing is sent. You can unlink it with your Secure Key on the account page.
      </p>
    </div>
  );
}

function LinkButton(props: {
  order: WithSecret<Pick<EthOrder, 'id'>>;
  wallet: ConnectedWalletAccount;
  onLinked: (linked: Linked) => void;
}) {
  const { order, wallet, onLinked } = props;
  const asking = useAsking();
  const link = () =>
    asking.run(async () => {
      const asked = { address: wallet.address, order: order.id };
      const api = createApi(order.secret);
      const { message } = await api.send<Challenge>('POST', '/v1/wallets/challenges', {
        action: 'link',
        ...asked,
      });
      const signature = await signWithWallet(wallet, message);
      onLinked(await api.send<Linked>('POST', '/v1/wallets', { ...asked, message, signature }));
    });
  return (
    <>
      <button type="button" className="primary" disabled={asking.isAsking} onClick={link}>
        Link this wallet
      </button>
      <AskingNote asking={asking} for="to sign that it is yours" />
    </>
  );
}
