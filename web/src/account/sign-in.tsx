import { openSession, type SignedIn } from '../session-api.ts';
import { SiteHeader } from '../site-header.tsx';
import { KeyForm } from './key-form.tsx';

/** Takes a Secure Key that the API knows, and has it exchanged for a session. */
export function SignIn(props: {
  notice: string | null;
  onSignedIn: (signedIn: SignedIn, secureKey: string) => void;
}) {
  return (
    <>
      <SiteHeader current="/account" />
      <main className="sign-in">
        <h1>Your credits</h1>
        <KeyForm
          className="card"
          verb="Sign in"
          hint="You stay signed in for 12 hours, or until you sign out. The key itself stays in the memory of this page: to manage
            the account after a reload you enter it again."
          onKey={async secureKey => props.onSignedIn(await openSession(secureKey), secureKey)}
        />
        <p role="status">{props.notice}</p>
        <p>
          No key yet? <a href="/">Buy credits</a>. Lost it? <a href="/recover">Recover the account</a> with a
          linked wallet.
        </p>
      </main>
    </>
  );
}
