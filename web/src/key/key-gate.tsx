import { type FormEvent, useId, useState } from 'react';
import { download } from '../download.ts';
import { Problem, Section } from '../parts.tsx';

const LAST = 4;

/** Shows a key until someone has proved to have it elsewhere: its last four characters are asked for. */
export function KeyGate({
  secureKey,
  onSaved,
}: {
  secureKey: string;
  /** Throws where it is not taken as saved. */
  onSaved: (secureKey: string) => Promise<void>;
}) {
  const id = useId();
  const [said, setSaid] = useState('');
  const [typed, setTyped] = useState('');
  const [isSaving, setSaving] = useState(false);
  const [problem, setProblem] = useState<Error | null>(null);
  const copy = () =>
    void navigator.clipboard
      .writeText(secureKey)
      .then(() => setSaid('Copied. Now paste it where you keep it.'))
      .catch(() => setSaid('Your browser does not let this page copy: select the key and copy it by hand.'));
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setProblem(null);
    if (typed.trim() !== secureKey.slice(-LAST)) {
      setProblem(new Error('These are not its last four characters: look at the key where you saved it.'));
      return;
    }
    setSaving(true);
    await onSaved(secureKey).catch(setProblem);
    setSaving(false);
  };
  return (
    <Section title="Save it now">
      <p>
        It is the only way to your credits, and after you have confirmed it is never shown again. You can
        reload this page until then.
      </p>
      <code className="key-text" data-testid="secure-key">
        {secureKey}
      </code>
      <div className="actions">
        <button type="button" className="primary" onClick={copy}>
          Copy
        </button>
        <button
          type="button"
          onClick={() => {
            download('secure-key.txt', fileOf(secureKey), 'text/plain');
            setSaid('Downloaded as secure-key.txt. Move it to a safe place.');
          }}
        >
          Download
        </button>
        <span role="status" className="quiet">
          {said}
        </span>
      </div>
      <form onSubmit={event => void submit(event)} noValidate>
        <label htmlFor={id}>To confirm, type the last four characters of the key that you saved</label>
        <div className="row">
          <input
            id={id}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            maxLength={LAST}
            size={8}
            value={typed}
            onChange={event => setTyped(event.target.value)}
            aria-describedby={`${id}-problem`}
            aria-invalid={problem !== null}
          />
          <button type="submit" className="primary" disabled={isSaving}>
            I saved it
          </button>
        </div>
        <div id={`${id}-problem`}>
          <Problem error={problem} />
        </div>
      </form>
    </Section>
  );
}

function fileOf(secureKey: string): string {
  return [
    `Secure Key of AiSpace Credits at ${location.origin}`,
    secureKey,
    'Whoever has it can use the credits: keep it where only you can read it.',
    '',
  ].join('\n');
}
