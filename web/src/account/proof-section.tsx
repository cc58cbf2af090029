import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useId } from 'react';
import { type Api, ApiProblem } from '../api.ts';
import { download } from '../download.ts';
import { Problem, Section, Time } from '../parts.tsx';
import type { Proof, SealedEntry } from './answers.ts';
import { all } from './pages.ts';
import { useSession } from './session.ts';
import { type VerifiedJournal, verifyJournal } from './verify-journal.ts';
import { type VerifiedSeal, verifySeal } from './verify-seal.ts';

interface Verified {
  readonly journal: VerifiedJournal;
  /** Null: the book is in no seal yet. */
  readonly seal: VerifiedSeal | null;
  readonly isKeyKnown: boolean;
  /** What was verified, as docs/verify-proof.mjs reads it. */
  readonly file: string;
}

export function ProofSection() {
  const { api } = useSession();
  const verifying = useMutation({ mutationFn: (publishedKey: string) => verifyMyBook(api, publishedKey) });
  const id = useId();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    verifying.mutate(String(new FormData(event.currentTarget).get('key')).trim().toLowerCase());
  };
  return (
    <Section title="Proof">
      <p className="quiet">
        Each entry of your book carries the hash of all entries before it. Your browser downloads the journal
        and computes every hash again: an entry that was changed, taken out or moved is named. Each midnight
        the operator signs one hash over all books; your browser verifies the signature, and that your book is
        under it.
      </p>
      <form className="row" onSubmit={submit}>
        <label htmlFor={id}>
          The operator’s public key, where you know it
          <input
            id={id}
            name="key"
            autoComplete="off"
            spellCheck={false}
            pattern="\s*[0-9a-fA-F]{64}\s*"
            title="64 hex digits"
            placeholder="64 hex digits"
          />
        </label>
        <button type="submit" disabled={verifying.isPending}>
          {verifying.isPending ? 'Verifying…' : 'Verify my book'}
        </button>
      </form>
      <Problem error={verifying.error} />
      <div role="status">{verifying.data && <Outcome verified={verifying.data} />}</div>
    </Section>
  );
}

function Outcome({ verified: { journal, seal, isKeyKnown, file } }: { verified: Verified }) {
  const count = journal.entries.length;
  return (
    <>
      <p className="good">
        Verified: {count} {count === 1 ? 'entry' : 'entries'} recomputed, none changed.
      </p>
      <p>
        Head <code>{journal.head}</code>
      </p>
      {seal === null ? (
        <p>The operator seals all books at midnight UTC; yours is in no seal yet.</p>
      ) : (
        <>
          <p className="good">
            Sealed: entry {seal.seq} and all before it are under seal {seal.number} of {seal.books}{' '}
            {seal.books === '1' ? 'book' : 'books'}, through{' '}
            <Time at={new Date(seal.throughMs).toISOString()} />, and its signature holds.
          </p>
          <p>
            Signed with <code>{seal.publicKey}</code>
            {isKeyKnown
              ? ', the key that you entered.'
              : ': compare it with the key that the operator published elsewhere, or enter that one above.'}
          </p>
        </>
      )}
      <div className="actions">
        <button type="button" onClick={() => download('credits-proof.json', file, 'application/json')}>
          Download the proof
        </button>
      </div>
    </>
  );
}

/** Throws an Error that says what does not hold. */
async function verifyMyBook(api: Api, publishedKey: string): Promise<Verified> {
  const proof = await api.get<Proof>('/v1/proof').catch(error => {
    if (error instanceof ApiProblem && error.code === 'not_found') return null;
    throw error;
  });
  // After the seal, so that everything that is sealed is in it.
  const entries = await all<SealedEntry>(api, '/v1/journal', 'entries', 'after');
  const journal = await verifyJournal(entries);
  const seal = proof && (await verifySeal(proof, journal, publishedKey));
  return {
    journal,
    seal,
    isKeyKnown: publishedKey !== '',
    file: `${JSON.stringify({ ...proof, entries }, null, 1)}\n`,
  };
}
