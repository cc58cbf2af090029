import { useEffect, useState } from 'react';
import { ApiProblem, createApi } from '../api.ts';
import { Section } from '../parts.tsx';
import {
  forgetRecovered,
  forgetRecovery,
  keepRecovered,
  type Recovered,
  type Recovery,
  readRecovered,
  readRecovery,
} from './kept-keys.ts';
import { KeyGate } from './key-gate.tsx';
import { RecoveryRefusal } from './recovery-refusal.tsx';
import { Saved } from './saved.tsx';

/**
 * The key that a wallet has recovered an account with: asked for once, the same until it is saved. What was signed last
 * comes first; a key of another account that was recovered before waits.
 */
export function RecoveredKey() {
  const [recovered, setRecovered] = useState(() => (readRecovery() === null ? newestRecovered() : null));
  const [problem, setProblem] = useState<Error | null>(null);
  const [isSaved, setSaved] = useState(false);
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    const recovery = readRecovery();
    if (recovered !== null || recovery === null) return;
    let isHere = true;
    setProblem(null);
    recover(recovery, attempt).then(
      answer => isHere && setRecovered(answer),
      (error: Error) => isHere && setProblem(error),
    );
    return () => {
      isHere = false;
    };
  }, [recovered, attempt]);
  if (isSaved)
    return (
      <>
        <Saved />
        <Waiting
          onShow={() => {
            setSaved(false);
            setRecovered(newestRecovered());
          }}
        />
      </>
    );
  if (recovered === null)
    return (
      <Section title="Recovering your account">
        {problem === null && <p className="quiet">Asking for a new key…</p>}
        {problem !== null && <RecoveryRefusal problem={problem} />}
        {problem !== null && (
          <p>
            {isPassing(problem) && (
              <button type="button" onClick={() => setAttempt(attempt + 1)}>
                Try again
              </button>
            )}{' '}
            <a href="/recover">Back to the recovery</a>
          </p>
        )}
        {problem !== null && !isPassing(problem) && (
          <Waiting
            onShow={() => {
              setProblem(null);
              setRecovered(newestRecovered());
            }}
          />
        )}
      </Section>
    );
  return (
    <>
      <Section title="Your account is recovered">
        <p>
          Account <code>{recovered.account}</code>: this key takes the place of all others, and all grants
          have ended.
        </p>
        {recovered.revoked_wallets.length > 0 && (
          <p>
            Wallets that were linked later are no longer: <code>{recovered.revoked_wallets.join(', ')}</code>
          </p>
        )}
      </Section>
      <KeyGate
        key={recovered.secure_key}
        secureKey={recovered.secure_key}
        onSaved={async () => {
          forgetRecovered(recovered);
          setSaved(true);
        }}
      />
    </>
  );
}

const newestRecovered = () => readRecovered()[0] ?? null;

/** That the key of another account was recovered before, where one was and nobody has saved it. */
function Waiting({ onShow }: { onShow: () => void }) {
  const other = newestRecovered();
  if (other === null) return null;
  return (
    <section className="card" aria-label="A key that waits">
      <p>
        You have recovered account <code>{other.account}</code> before, and its key still waits to be saved.
      </p>
      <button type="button" onClick={onShow}>
        Show that key
      </button>
    </section>
  );
}

/** Signed messages are used once: each attempt asks once, however often it is rendered. */
let asked: { readonly attempt: number; readonly answer: Promise<Recovered> } | null = null;

function recover(recovery: Recovery, attempt: number): Promise<Recovered> {
  if (asked?.attempt !== attempt) asked = { attempt, answer: ask(recovery) };
  return asked.answer;
}

async function ask({ session, ...signed }: Recovery): Promise<Recovered> {
  try {
    const answer = await createApi(session).send<Recovered>('POST', '/v1/wallets/recoveries', signed);
    keepRecovered(answer);
    return answer;
  } catch (error) {
    if (error instanceof Error && !isPassing(error)) forgetRecovery();
    throw error;
  }
}

function isPassing(error: Error): boolean {
  return error instanceof ApiProblem && (error.status === 0 || error.status === 429 || error.status >= 500);
}
