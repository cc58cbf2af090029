import { useEffect, useId, useRef } from 'react';
import type { KeyStatus } from '../../../client/src/account-types.ts';
import { createApi } from '../api.ts';
import { KeyForm } from './key-form.tsx';

/** Asks for a key that manages `account`, since a session does not. */
export function KeyDialog(props: {
  account: string;
  /** Throws an Error that says why the key does not do. */
  onKey: (secureKey: string) => Promise<void>;
  onCancel: () => void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  const judge = async (secureKey: string) => {
    const key = await createApi(secureKey).get<KeyStatus>('/v1/key');
    if (key.account !== props.account)
      throw new Error(`This is a key of another account: enter one of ${props.account}, or sign out first.`);
    if (key.scope !== 'manage') throw new Error('This key only spends: enter one that manages the account.');
    await props.onKey(secureKey);
  };
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onCancel={event => {
        event.preventDefault();
        props.onCancel();
      }}
    >
      <h2 id={id}>Your key, once more</h2>
      <KeyForm
        verb="Go on"
        hint="The page was reloaded since you signed in, and what changes something takes the key itself. It stays in the memory
          of this page until you leave or reload it."
        onKey={judge}
      >
        <button type="button" onClick={props.onCancel}>
          Cancel
        </button>
      </KeyForm>
    </dialog>
  );
}
