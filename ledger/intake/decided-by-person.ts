import type { AssignmentTable } from '../store/tables.ts';

/** The ways in which a person says whose a receipt is, where the payment itself does not. */
export const DECIDED_BY_PERSON = ['operator', 'claim'] as const;

export type PersonalMatch = (typeof DECIDED_BY_PERSON)[number];

/** Whether a person decided: such a receipt may have waited for long, and counts from when it is decided. */
export function isDecidedByPerson(matchedBy: AssignmentTable['matched_by']): matchedBy is PersonalMatch {
  return DECIDED_BY_PERSON.some(match => match === matchedBy);
}
