import { useMutation } from '@tanstack/react-query';
import { type Api, ApiProblem } from '../api.ts';
import { Problem, Section, Time } from '../parts.tsx';
import type { Proof, SealedEntry } from './answers.ts';
import { all } from './pages.ts';
import { useSession } from './session.ts';
import { verifyJournal } from './verify-journal.ts';

export function ProofSection() {
  const { api } = useSession();
  const verifying = useMutation({ mutationFn: () => verifyMyBook(api) });
  const { data } = verifying;
  return (
    <Section title="Proof">
      <p className="quiet">
        Each entry of your book carries the hash of all entries before it. Your browser downloads the journal
        and computes every hash again: an entry that was changed, taken out or moved is named.
      </p>
      <div className="actions">
        <button type="button" onClick={() => verifying.mutate()} disabled={verifying.isPending}>
          {verifying.isPending ? 'Verifying…' : 'Verify my book'}
        </button>
      </div>
      <Problem error={verifying.error} />
      <div role="status">
        {data && (
          <>
            <p className="good">
              Verified: {data.count} {data.count === 1 ? 'entry' : 'entries'} recomputed, none changed.
            </p>
            <p>
              Head <code>{data.head}</code>
            </p>
            <p>
              {data.seal === null ? (
                'The operator seals all books at midnight UTC; yours is in no seal yet.'
              ) : (
                <>
                  Entry {data.seal.seq} is what the operator sealed with seal {data.seal.number}, through{' '}
                  <Time at={data.seal.sealedThrough} />. Its signature is verified offline: see docs/proof.md.
                </>
              )}
            </p>
          </>
        )}
      </div>
    </Section>
  );
}

/** Throws an Error that says what does not hold. */
async function verifyMyBook(api: Api) {
  const proof = await api.get<Proof>('/v1/proof').catch(error => {
    if (error instanceof ApiProblem && error.code === 'not_found') return null;
    throw error;
  });
  // After the seal, so that everything that is sealed is in it.
  const entries = await all<SealedEntry>(api, '/v1/journal', 'entries', 'after');
  const verified = await verifyJournal(entries);
  if (proof === null) return { ...verified, seal: null };
  const { seal, book } = proof;
  if (entries[Number(book.seq) - 1]?.hash !== book.head)
    throw new Error(
      `Entry ${book.seq} is not the one that the operator sealed: keep both files and ask for an answer.`,
    );
  return { ...verified, seal: { number: seal.number, seq: book.seq, sealedThrough: seal.sealed_through } };
}
