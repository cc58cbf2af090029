import type { Step } from './book.ts';
import type { Refusal } from './refusal.ts';

/** What became of a command: the entries it led to, or why it was not carried out. */
export type Decision =
  | { readonly accepted: true; readonly step: Step }
  | { readonly accepted: false; readonly refusal: Refusal };

export function accepted(step: Step): Decision {
  return { accepted: true, step };
}

export function refused(refusal: Refusal): Decision {
  return { accepted: false, refusal };
}
