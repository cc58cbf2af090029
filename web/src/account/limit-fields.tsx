import { useId } from 'react';
import type { Limit } from '../../../client/src/account-types.ts';
import { shownAmount } from '../amounts.ts';

/** The amount and the period of a limit; an empty amount is no limit. */
export function LimitFields() {
  const id = useId();
  return (
    <>
      <label htmlFor={`${id}amount`}>
        Limit in credits
        <input id={`${id}amount`} name="amount" inputMode="decimal" autoComplete="off" placeholder="none" />
      </label>
      <label htmlFor={`${id}period`}>
        Per
        <select id={`${id}period`} name="period" defaultValue="day">
          <option value="day">day</option>
          <option value="week">week</option>
          <option value="month">month</option>
          <option value="lifetime">lifetime</option>
        </select>
      </label>
    </>
  );
}

/** What LimitFields were filled with, or null. The API says what is wrong with it. */
export function limitIn(form: FormData): Limit | null {
  const amount = String(form.get('amount') ?? '').trim();
  return amount === '' ? null : { amount, period: String(form.get('period')) as Limit['period'] };
}

export function shownLimit(limit: (Limit & { readonly remaining: string }) | null): string {
  if (limit === null) return 'none';
  const period = limit.period === 'lifetime' ? 'in all' : `per ${limit.period}`;
  return `${shownAmount(limit.amount)} ${period}, ${shownAmount(limit.remaining)} left`;
}
