/** The small pieces that all sections are made of. */
import { type ReactNode, useId, useState } from 'react';
import { localTime, utcTime } from './instants.ts';

export function Section({ title, children }: { title: string; children: ReactNode }) {
  const id = useId();
  return (
    <section className="card" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  );
}

/** In the reader's time, with UTC beside it on demand. */
export function Time({ at }: { at: string }) {
  return (
    <time dateTime={at} title={utcTime(at)}>
      {localTime(at)}
    </time>
  );
}

/** What is asked for: still coming, not to be had, or here, be it as it was before the last try failed. */
export function Asked({
  query,
  children,
}: {
  query: { isPending: boolean; error: Error | null };
  children: ReactNode;
}) {
  if (query.isPending)
    return query.error ? <Problem error={query.error} /> : <p className="quiet">Loading…</p>;
  return (
    <>
      <Problem error={query.error} />
      {children}
    </>
  );
}

export function Problem({ error }: { error: Error | null }) {
  return (
    <p role="alert" className="problem">
      {error?.message}
    </p>
  );
}

/** A table that scrolls by itself where the screen is narrow, also by keyboard. */
export function Table({
  label,
  columns,
  children,
}: {
  label: string;
  columns: readonly string[];
  children: ReactNode;
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: without it nobody could scroll it by keyboard
    <section className="scroll" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {columns.map(column => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}

/** Asks once more before `onConfirm`. `what` names the thing, for those who hear one button at a time. */
export function ConfirmButton(props: {
  verb: string;
  what: string;
  question: string;
  isDisabled?: boolean;
  onConfirm: () => void;
}) {
  const [isAsking, setAsking] = useState(false);
  if (!isAsking)
    return (
      <button
        type="button"
        disabled={props.isDisabled}
        onClick={() => setAsking(true)}
        aria-label={`${props.verb} ${props.what}`}
      >
        {props.verb}
      </button>
    );
  const confirm = () => {
    setAsking(false);
    props.onConfirm();
  };
  return (
    <span className="confirm" role="alert">
      {props.question}{' '}
      <button type="button" className="danger" disabled={props.isDisabled} onClick={confirm}>
        Yes, {props.verb.toLowerCase()}
      </button>{' '}
      <button type="button" onClick={() => setAsking(false)}>
        Keep
      </button>
    </span>
  );
}

/** A secret that is told once: it stays until someone says that it is saved. */
export function NewSecret(props: { title: string; secret: string; onSaved: () => void }) {
  const [isCopied, setCopied] = useState(false);
  const id = useId();
  return (
    <section className="secret" aria-labelledby={id}>
      <h3 id={id}>{props.title}</h3>
      <p>
        This is shown once. Keep it where only you can read it, and say so: until then no other is made here.
      </p>
      <code>{props.secret}</code>
      <div className="actions">
        <button
          type="button"
          onClick={() => void navigator.clipboard.writeText(props.secret).then(() => setCopied(true))}
        >
          {isCopied ? 'Copied' : 'Copy'}
        </button>
        <button type="button" className="primary" onClick={props.onSaved}>
          I saved it
        </button>
      </div>
    </section>
  );
}
