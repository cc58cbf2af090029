/** What a wallet declined or could not do, in words for the person who uses it. */
import { BaseError } from 'viem';
import { ApiProblem } from '../api.ts';

/** Longer texts are of no use to anybody. */
const TEXT_LENGTH_MAX = 200;

/** What happened and what to do. */
export function mistakeIn(error: unknown): string {
  if (error instanceof ApiProblem) return error.message;
  const chain = causesOf(error);
  const codes = chain.map(cause => Number((cause as { code?: unknown }).code));
  const text = chain.map(cause => `${cause.name} ${cause.message}`).join('\n');
  // WalletConnect's wallets answer 5000 to 5003.
  if (
    codes.some(code => code === 4001 || (code >= 5000 && code <= 5003)) ||
    /user rejected|user denied/i.test(text)
  )
    return 'You declined this in your wallet: nothing was sent. Try again when you are ready.';
  if (/insufficient funds|exceeds the balance/i.test(text))
    return 'This account has too little ETH on Base for the amount and the network’s fee: nothing was sent. Add ETH on Base to it, or choose another account in your wallet.';
  if (codes.includes(-32002)) return 'Your wallet is asking you already: open it and answer there.';
  if (codes.includes(4100))
    return 'Your wallet does not give this page that account: unlock it, allow this site, and connect again.';
  if (
    codes.some(code => code === 4901) ||
    /does not match the target chain|ChainMismatch|another network/i.test(text)
  )
    return 'Your wallet is on another network: nothing was sent. Switch it to Base and try again.';
  if (codes.includes(4902) || /SwitchChain/.test(text))
    return 'Your wallet could not switch to Base: choose the network Base in the wallet itself, or add it there (chain 8453).';
  if (codes.includes(4900) || /disconnected|not connected|No wallet is connected/i.test(text))
    return 'Your wallet is not connected any more: connect it again.';
  if (/revert/i.test(text))
    return 'The network would undo this payment, so it was not sent. Do not try again: write to the operator of this site.';
  return `Your wallet could not do this: ${shortened(error)} Nothing is known to have been sent; look in your wallet before you try again.`;
}

function causesOf(error: unknown): Error[] {
  const causes: Error[] = [];
  for (let cause = error; cause !== null && typeof cause === 'object' && causes.length < 10; ) {
    causes.push(cause as Error);
    cause = (cause as { cause?: unknown }).cause;
  }
  return causes;
}

function shortened(error: unknown): string {
  const text =
    error instanceof BaseError ? error.shortMessage : String((error as Error | undefined)?.message ?? error);
  const whole = text.length > TEXT_LENGTH_MAX ? `${text.slice(0, TEXT_LENGTH_MAX)}…` : text;
  return /[.!?…]$/.test(whole) ? whole : `${whole}.`;
}
