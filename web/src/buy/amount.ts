/** What an amount in dollars must be, in the API's rules, told before anything is asked. */
const DECIMAL_6 = /^(?:0|[1-9]\d{0,17})(?:\.\d{1,6})?$/;
const WHOLE_CENTS = /^\d+(?:\.\d{1,2}0*)?$/;
const USD_MAX = 1_000_000;
const CARD_USD_MIN = 0.5;

/** What is wrong with `text` as an amount and what to do; null for one that can be ordered. */
export function mistakeInAmount(text: string): string | null {
  if (text === '') return 'Enter an amount in US dollars.';
  if (/^-/.test(text)) return 'The amount must be more than 0.';
  if (!DECIMAL_6.test(text))
    return 'Write the amount in plain digits, with a point before the cents and nothing else, such as 12.50.';
  if (!/[1-9]/.test(text)) return 'The amount must be more than 0.';
  if (Number(text) > USD_MAX)
    return 'At most $1,000,000 can be ordered at once: make several orders for more.';
  return null;
}

/** The same for a payment by card, which is charged in whole cents. */
export function mistakeInCardAmount(text: string): string | null {
  const mistake = mistakeInAmount(text);
  if (mistake !== null) return mistake;
  if (!WHOLE_CENTS.test(text)) return 'A card is charged in whole cents: write at most two decimals.';
  if (Number(text) < CARD_USD_MIN)
    return 'By card at least $0.50 can be paid: enter more, or pay with crypto.';
  return null;
}
