import { useEffect, useRef } from 'react';

/** Once a key is saved: there is nothing to show any more. */
export function Saved() {
  const title = useRef<HTMLHeadingElement>(null);
  // The form where the focus was is gone.
  useEffect(() => title.current?.focus(), []);
  return (
    <section className="card" aria-labelledby="saved-title">
      <h2 id="saved-title" ref={title} tabIndex={-1}>
        Saved
      </h2>
      <p className="good">You have saved the key: it is not shown any more, here or anywhere.</p>
      <p>
        <a href="/account">Go to your account</a> and sign in with it: there are your credits, further keys
        with limits, and everything else. <a href="/">Buy more credits</a> at any time.
      </p>
    </section>
  );
}
