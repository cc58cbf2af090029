/** What an order's state means for its buyer: what happened, and what to do. */
import { ethText, shownAmount } from '../amounts.ts';
import type {
  CardFlag,
  CardOrder,
  CardOrderStatus,
  EthFlag,
  EthOrder,
  EthOrderStatus,
  Order,
  OrderStatus,
} from '../orders/order.ts';

export interface Note {
  readonly title: string;
  readonly what: string;
  readonly todo: string;
  readonly tone: 'plain' | 'good' | 'bad';
}

/** The headline, and then whatever else there is to know of it. @param sent What the wallet said that it had sent. */
export function notesOf(order: Order, status: OrderStatus, sent: string | null): [Note, ...Note[]] {
  return order.method === 'eth'
    ? ethNotes(order, status as EthOrderStatus, sent)
    : cardNotes(order, status as CardOrderStatus);
}

const NOTHING = 'There is nothing to do.';
const ASK = 'Contact the operator with the id of this order';

function ethNotes(order: EthOrder, status: EthOrderStatus, sent: string | null): [Note, ...Note[]] {
  const { amount, flags } = status.state;
  const notes: Note[] = [];
  if (amount === 'under') notes.push(underpaid(order, status));
  if (amount === 'over')
    notes.push({
      title: 'Overpaid',
      what: 'More than the order arrived. All of it is credited: what is beyond the order at the price of its block.',
      todo: NOTHING,
      tone: 'plain',
    });
  const ofFlags: { readonly [Flag in EthFlag]: Note | null } = {
    late: {
      title: 'After the quote',
      what: 'A payment came after the quoted price had run out, so it is taken at the price of its own block, which may be higher or lower.',
      todo: NOTHING,
      tone: 'plain',
    },
    price_pending: {
      title: 'Waiting for a price',
      what: 'A payment has arrived, but there is no valid price of ETH at its time.',
      todo: 'There is nothing to do: it is credited at the first valid price, usually within minutes. Do not pay again.',
      tone: 'plain',
    },
    // Said by the headline, or by the price it waits for.
    processing: null,
    reorged: {
      title: 'Taken back by the network',
      what: 'The network has replaced the block that a payment was in. Its credits were taken back with it.',
      todo: 'Usually it is in another block within minutes and is credited again by itself. If your wallet says that it was dropped, send it again.',
      tone: 'bad',
    },
    kept_back: {
      title: 'Kept back',
      what: `A payment waits for a person to look at it and is not credited. ${reasonsOf(status)}`.trim(),
      todo: `${ASK} and the hash of the transaction, or claim it with your key and wallet.`,
      tone: 'bad',
    },
  };
  notes.push(...flags.flatMap(flag => ofFlags[flag] ?? []));
  return [ethHeadline(status, sent), ...notes];
}

function ethHeadline(status: EthOrderStatus, sent: string | null): Note {
  switch (status.progress) {
    case 'waiting':
      if (sent !== null)
        return {
          title: 'Sent',
          what: 'Your wallet says that it has sent the payment. The network has not shown it yet.',
          todo: 'Wait: this takes seconds. If it takes minutes, look in your wallet: a pending payment may need a higher fee, and one that was dropped must be sent again.',
          tone: 'plain',
        };
      return status.state.quote === 'live'
        ? {
            title: 'Waiting for your payment',
            what: 'No payment of this order has been seen yet.',
            todo: 'Pay from your wallet as shown above. This page notices it by itself.',
            tone: 'plain',
          }
        : {
            title: 'The quoted price has run out',
            what: 'No payment has been seen while the price was held. A payment that you sent in time still gets it; one that you send now is taken at the price of its block.',
            todo: 'If you have not paid yet, get a new quote. If you have, wait, or look your transaction up below.',
            tone: 'plain',
          };
    case 'seen':
      return {
        title: 'Seen',
        what: 'Your payment is on its way to a block.',
        todo: 'Wait: on Base that takes seconds.',
        tone: 'plain',
      };
    case 'confirmed':
      return {
        title: 'Confirmed',
        what: 'Your payment is in a block.',
        todo: 'Wait: its credits are on the way.',
        tone: 'plain',
      };
    case 'credited':
      return creditedNote(status);
    case 'kept_back':
      return {
        title: 'Arrived, not credited',
        what: 'Your payment has arrived and is safe, but it is not credited yet.',
        todo: 'See below why.',
        tone: 'bad',
      };
    case 'reorged':
      return {
        title: 'Not in a block any more',
        what: 'The network took your payment back, and nothing is credited just now.',
        todo: 'Keep this page: it goes on by itself once the payment is in a block again.',
        tone: 'bad',
      };
  }
}

function underpaid(order: EthOrder, status: EthOrderStatus): Note {
  const paid = status.payments
    .filter(payment => !payment.reorged && payment.kept_back === null)
    .reduce((sum, payment) => sum + BigInt(payment.amount_wei), 0n);
  const missing = BigInt(order.payment.amount_wei) - paid;
  return {
    title: 'Less than the order',
    what: `${ethText(paid)} ETH of ${order.payment.amount_eth} ETH arrived; ${ethText(missing)} ETH are missing. What arrived is credited, or is about to be.`,
    todo: 'You may leave it so, or order the rest anew: further payments of less than $1 for this order would be kept back.',
    tone: 'plain',
  };
}

function reasonsOf({ payments }: EthOrderStatus): string {
  const details = payments.flatMap(payment =>
    payment.kept_back === null || payment.reorged ? [] : [payment.kept_back.detail],
  );
  return [...new Set(details)].join(' ');
}

function cardNotes(_order: CardOrder, status: CardOrderStatus): [Note, ...Note[]] {
  const { amount, flags } = status.state;
  const notes: Note[] = [];
  if (amount === 'over')
    notes.push({
      title: 'Paid twice',
      what: 'This order was paid more than once, perhaps on two pages. All of it is credited.',
      todo: `If you did not want that, ${ASK.toLowerCase()}.`,
      tone: 'plain',
    });
  const ofFlags: { readonly [Flag in CardFlag]: Note | null } = {
    // Said by the headline, unless something is credited already.
    processing:
      status.progress === 'processing'
        ? null
        : {
            title: 'Another payment is under way',
            what: 'A further payment of this order is being processed.',
            todo: 'Do not pay again: it is credited as soon as the money is there.',
            tone: 'plain',
          },
    failed:
      status.progress === 'failed'
        ? null
        : {
            title: 'A try failed',
            what: 'One of your tries to pay was declined or has failed; nothing was taken for it.',
            todo: NOTHING,
            tone: 'plain',
          },
    refunded: {
      title: 'Refunded',
      what: 'Money of this order went back to you, and its credits were taken back. Where they had been spent already, they are owed.',
      todo: `If you did not ask for it, ${ASK.toLowerCase()}.`,
      tone: 'bad',
    },
    disputed: {
      title: 'Disputed',
      what: 'Your bank disputes a payment of this order, and its credits were taken back until that is decided.',
      todo: 'If you did not mean to dispute it, tell your bank so: when the dispute is withdrawn, the credits come back.',
      tone: 'bad',
    },
    kept_back: {
      title: 'Kept back',
      what: 'A payment does not fit this order and waits for a person to look at it; it is not credited.',
      todo: `${ASK}.`,
      tone: 'bad',
    },
  };
  notes.push(...flags.flatMap(flag => ofFlags[flag] ?? []));
  return [cardHeadline(status), ...notes];
}

function cardHeadline(status: CardOrderStatus): Note {
  switch (status.progress) {
    case 'waiting':
      return {
        title: 'Not paid yet',
        what: 'No payment of this order has arrived.',
        todo: 'Go to the payment page. If you have just paid there, wait some seconds: this page notices it by itself.',
        tone: 'plain',
      };
    case 'processing':
      return {
        title: 'Your payment is under way',
        what: 'It has been made and is being processed: a card takes seconds, a bank debit some days.',
        todo: 'Do not pay again. If it takes days, save the order below before you close this tab: with it you come back to the key.',
        tone: 'plain',
      };
    case 'credited':
      return creditedNote(status);
    case 'failed':
      return {
        title: 'The payment was declined',
        what: 'Your card or bank declined the payment, or it failed: nothing was taken for it.',
        todo: 'Go to the payment page and try again, with another card if you like, or start another order and pay with crypto.',
        tone: 'bad',
      };
    case 'kept_back':
      return {
        title: 'Paid, not credited',
        what: 'Your payment has arrived and is safe, but it is not credited yet.',
        todo: 'See below why.',
        tone: 'bad',
      };
    case 'returned':
      return {
        title: 'Your payment went back to you',
        what: 'All of it was returned, and its credits were taken back.',
        todo: 'To buy credits, pay again or start another order.',
        tone: 'bad',
      };
  }
}

function creditedNote({ payments }: OrderStatus): Note {
  const credited = [...payments].filter(payment => payment.credited);
  const microcredits = credited.map(({ credits }) => credits ?? '0');
  return {
    title: 'Credited',
    what: `${microcredits.map(shownAmount).join(' + ')} credits can be used now.`,
    todo: 'See “Your key” for how.',
    tone: 'good',
  };
}
