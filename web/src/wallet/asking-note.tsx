import type { Asking } from './use-asking.ts';

/** Beside the button that asked: that the wallet is waited for, or what it said. */
export function AskingNote({ asking, for: what }: { asking: Asking; for: string }) {
  return (
    <>
      {asking.isAsking && (
        <p role="status">
          {`Your wallet is asked ${what}: confirm it there.`}
          {asking.isSlow &&
            ' It has not answered yet. Open it, unlock it, and look whether it asks you something behind another window.'}{' '}
          <button type="button" onClick={asking.leave}>
            Stop waiting
          </button>
        </p>
      )}
      <p role="alert" className="problem">
        {asking.mistake}
      </p>
    </>
  );
}
