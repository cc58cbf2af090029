/** The simulator's own pages: the checkout that a buyer sees, and a dashboard for what happens to payments later. */
import express, { type RequestHandler, type Response, Router } from 'express';
import type Stripe from 'stripe';
import { type CardBank, MoveRefused } from './card-bank.ts';
import type { Records } from './records.ts';
import type { WebhookSender } from './webhook-sender.ts';

export interface PagesOptions {
  readonly records: Records;
  readonly bank: CardBank;
  readonly webhooks: WebhookSender;
  /** The simulator's own address. */
  readonly baseUrl: string;
}

export function pages({ records, bank, webhooks, baseUrl }: PagesOptions): Router {
  const router = Router();
  router.use(express.urlencoded({ extended: false, limit: '4kb' }), onlyFromHere(baseUrl));

  router.get('/pay/:id', (request, response) => {
    const session = records.find('checkout.session', request.params.id);
    sendPage(
      response,
      session ? 200 : 404,
      'Checkout',
      session ? checkoutPage(session) : '<p>There is no such checkout.</p>',
    );
  });

  router.post('/pay/:id', (request, response) => {
    const session = records.find('checkout.session', request.params.id);
    const choice: unknown = request.body?.choice;
    if (!session || (choice !== 'card' && choice !== 'card_declined' && choice !== 'bank_debit')) {
      sendPage(response, 400, 'Checkout', '<p>This cannot be paid so.</p>');
      return;
    }
    if (bank.submit(session, choice))
      response.redirect(
        303,
        (session.success_url ?? baseUrl).replaceAll('{CHECKOUT_SESSION_ID}', session.id),
      );
    else
      sendPage(
        response,
        402,
        'Checkout',
        `<p role="alert">Your card was declined.</p>${checkoutPage(session)}`,
      );
  });

  router.get('/receipts/:id', (request, response) => {
    const charge = records.find('charge', request.params.id);
    sendPage(
      response,
      charge ? 200 : 404,
      'Receipt',
      charge
        ? `<p>${dollars(charge.amount)}, ${asHtml(charge.status)}. Refunded: ${dollars(charge.amount_refunded)}.</p>`
        : '<p>There is no such receipt.</p>',
    );
  });

  router.get(['/', '/dashboard'], (_request, response) => {
    sendPage(response, 200, 'Dashboard', dashboardPage(records, webhooks));
  });

  router.post('/dashboard/charges/:id/:move', (request, response) => {
    const charge = records.find('charge', request.params.id);
    if (!charge) throw new MoveRefused('There is no such charge.');
    const amountCents = Number(request.body?.amount_cents ?? charge.amount);
    const moves: Record<string, () => void> = {
      refund: () => void bank.refund(charge, amountCents),
      dispute: () => void bank.openDispute(charge, amountCents),
      inquiry: () => void bank.openDispute(charge, amountCents, 'inquiry'),
      warn: () => void bank.warnOfFraud(charge),
      succeed: () => bank.settleDebit(charge, 'succeeded'),
      fail: () => bank.settleDebit(charge, 'failed'),
    };
    make(moves, request.params.move);
    response.redirect(303, '/dashboard');
  });

  router.post('/dashboard/refunds/:id/fail', (request, response) => {
    const refund = records.find('refund', request.params.id);
    if (!refund) throw new MoveRefused('There is no such refund.');
    bank.failRefund(refund);
    response.redirect(303, '/dashboard');
  });

  router.post('/dashboard/disputes/:id/:move', (request, response) => {
    const dispute = records.find('dispute', request.params.id);
    if (!dispute) throw new MoveRefused('There is no such dispute.');
    make(
      { win: () => bank.closeDispute(dispute, 'won'), lose: () => bank.closeDispute(dispute, 'lost') },
      request.params.move,
    );
    response.redirect(303, '/dashboard');
  });

  router.post('/dashboard/webhooks/:move', (request, response) => {
    const { move } = request.params;
    make(
      {
        pause: () => {
          webhooks.paused = true;
        },
        resume: () => {
          webhooks.paused = false;
        },
        // Everything once more, the oldest last: events come in any order, and more than once.
        repeat: () => {
          for (const event of [...records.all('event')].reverse()) webhooks.send(event);
        },
      },
      move,
    );
    response.redirect(303, '/dashboard');
  });

  router.use(answerRefusedMove);
  return router;
}

function make(moves: Readonly<Record<string, () => void>>, move: string): void {
  const chosen = Object.hasOwn(moves, move) ? moves[move] : undefined;
  if (!chosen)
    throw new MoveRefused(`There is no "${move}" here: there are ${Object.keys(moves).join(', ')}.`);
  chosen();
}

/** A page from elsewhere shall not move money here, simulated or not. */
function onlyFromHere(baseUrl: string): RequestHandler {
  return (request, response, next) => {
    const origin = request.get('origin');
    if (request.method !== 'POST' || origin === undefined || origin === baseUrl) next();
    else sendPage(response, 403, 'Refused', '<p>This form was sent from another page.</p>');
  };
}

const answerRefusedMove: express.ErrorRequestHandler = (error: unknown, _request, response, next) => {
  if (error instanceof MoveRefused)
    sendPage(response, 400, 'Refused', `<p role="alert">${asHtml(error.message)}</p>`);
  else next(error);
};

function checkoutPage(session: Stripe.Checkout.Session): string {
  const total = dollars(session.amount_total ?? 0);
  if (session.status !== 'open')
    return `<p>This checkout is ${asHtml(session.status ?? 'closed')}.</p>${backLink(session)}`;
  const button = (choice: string, label: string) =>
    `<form method="post"><button name="choice" value="${choice}">${label}</button></form>`;
  return [
    `<p class="total">${total}</p>`,
    button('card', `Pay ${total} with a card that works`),
    button('card_declined', 'Pay with a card that is declined'),
    session.payment_method_types.includes('us_bank_account')
      ? button('bank_debit', 'Pay by bank debit, which takes a while')
      : '',
    backLink(session),
  ].join('\n');
}

function backLink(session: Stripe.Checkout.Session): string {
  return session.cancel_url === null
    ? ''
    : `<p><a href="${asHtml(session.cancel_url)}">Back without paying</a></p>`;
}

function dashboardPage(records: Records, webhooks: WebhookSender): string {
  const form = (path: string, label: string, amountCents?: number) =>
    `<form method="post" action="/dashboard/${path}">${
      amountCents === undefined
        ? ''
        : `<input name="amount_cents" aria-label="cents" size="6" value="${amountCents}"> `
    }<button>${label}</button></form>`;
  const rows = [...records.all('charge')].reverse().map(charge => {
    const refunds = records.all('refund').filter(refund => refund.charge === charge.id);
    const disputes = records.all('dispute').filter(dispute => dispute.charge === charge.id);
    const moves =
      charge.status === 'pending'
        ? [
            form(`charges/${charge.id}/succeed`, 'The debit succeeds'),
            form(`charges/${charge.id}/fail`, 'It fails'),
          ]
        : charge.status === 'succeeded'
          ? [
              form(`charges/${charge.id}/refund`, 'Refund', charge.amount_captured - charge.amount_refunded),
              form(`charges/${charge.id}/dispute`, 'The buyer disputes', charge.amount),
              form(`charges/${charge.id}/warn`, 'The issuer warns of fraud'),
            ]
          : [];
    return `<tr><td>${asHtml(charge.id)}<td>${dollars(charge.amount)}<td>${asHtml(charge.status)}<td>${moves.join('')}${refunds
      .map(
        refund =>
          `<p>Refund of ${dollars(refund.amount)}: ${asHtml(refund.status ?? '')}</p>${
            refund.status === 'succeeded' ? form(`refunds/${refund.id}/fail`, 'It fails') : ''
          }`,
      )
      .join('')}${disputes
      .map(
        dispute =>
          `<p>Dispute of ${dollars(dispute.amount)}: ${asHtml(dispute.status)}</p>${
            ['won', 'lost', 'warning_closed'].includes(dispute.status)
              ? ''
              : form(`disputes/${dispute.id}/win`, 'We win') + form(`disputes/${dispute.id}/lose`, 'We lose')
          }`,
      )
      .join('')}`;
  });
  return [
    `<p>Webhooks are ${webhooks.paused ? 'paused' : 'sent'}.</p>`,
    webhooks.paused ? form('webhooks/resume', 'Send them') : form('webhooks/pause', 'Pause them'),
    form('webhooks/repeat', 'Send all of them again, the oldest last'),
    rows.length === 0
      ? '<p>Nobody has paid yet.</p>'
      : `<table><thead><tr><th>Charge<th>Amount<th>Status<th>What happens next</thead><tbody>${rows.join('')}</tbody></table>`,
  ].join('\n');
}

function sendPage(response: Response, status: number, title: string, body: string): void {
  response
    .status(status)
    .set('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
    .type('html')
    .send(
      `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title} (simulator)</title>
<style>body{font:16px/1.5 system-ui;max-width:44rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}
form{display:inline-block;margin:.2rem}button{font:inherit;padding:.4rem .8rem}.total{font-size:2rem}
.notice{border:2px solid #b60;padding:.5rem 1rem}table{border-collapse:collapse}td,th{padding:.3rem .6rem;text-align:left;vertical-align:top}</style>
<h1>${title}</h1>
<p class="notice"><strong>This is a simulator.</strong> It stands in for Stripe on this machine: no card is charged, and
none is asked for.</p>
${body}
</html>`,
    );
}

function dollars(amountCents: number): string {
  return `$${Math.trunc(amountCents / 100)}.${String(amountCents % 100).padStart(2, '0')}`;
}

function asHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
