import type { Instant } from '../core/instant.ts';
import type { SystemEntry } from '../core/system-book.ts';
import { commandIdentity, OWN_SERVICE_ID } from '../posting/identity.ts';

/** An entry of the system book about the fact named `fact`; its key makes it the only one of its kind about it. */
export function ownEntry(
  kind: SystemEntry['kind'],
  about: { readonly fact: string; readonly effectiveAt: Instant; readonly details: object },
  postings: SystemEntry['postings'],
): SystemEntry {
  const details = JSON.stringify(about.details);
  return {
    kind,
    identity: commandIdentity({
      serviceId: OWN_SERVICE_ID,
      keyNumber: null,
      idempotencyKey: `${kind}:${about.fact}`,
      payload: details,
    }),
    effectiveAt: about.effectiveAt,
    postings,
    details,
  };
}
