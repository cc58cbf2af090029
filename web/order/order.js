// The plain order page: order, pay, watch, claim, acknowledge, and the receipt. The order's secret stays in this tab, so
// that neither a reload nor the way over Stripe's page loses it, and travels in a header only.
const STORED = 'order';
/** After a stream has ended. */
const AGAIN_MS = 1000;

const element = id => document.getElementById(id);

async function call(method, path, { secret, body } = {}) {
  const response = await fetch(path, {
    method,
    headers: {
      ...(secret ? { Authorization: `Bearer ${secret}` } : {}),
      ...(body ? { 'Content-Type': 'application/json' } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  if (response.status === 204) return null;
  const answer = await response.json();
  if (!response.ok) throw Object.assign(new Error(answer.detail), { code: answer.code });
  return answer;
}

function showProblem(error) {
  element('problem').textContent = error.message;
  element('problem').hidden = false;
}

async function trying(work) {
  element('problem').hidden = true;
  try {
    await work();
  } catch (error) {
    showProblem(error);
  }
}

function showPayment(order) {
  if (order.method === 'card') {
    element('amount-usd').textContent = order.amount_usd;
    element('card-credits').textContent = order.credits;
    element('card').hidden = false;
  } else showEthPayment(order);
  element('status').hidden = false;
  element('order-form').hidden = true;
}

function showEthPayment(order) {
  element('address').textContent = order.payment.address;
  element('amount-eth').textContent = order.payment.amount_eth;
  element('calldata').textContent = order.payment.calldata;
  element('credits').textContent = order.credits;
  element('eth-usd').textContent = order.quote.eth_usd;
  element('deadline').textContent = new Date(order.quote.deadline).toLocaleTimeString();
  element('payment').hidden = false;
}

const AMOUNTS = {
  none: 'Waiting for your payment.',
  under: 'Less than the order arrived; what arrived is credited.',
  exact: 'Your payment arrived.',
  over: 'More than the order arrived; all of it is credited.',
};
const FLAGS = {
  late: 'It came after the price had run out, so it is taken at the price of its block.',
  price_pending: 'It waits for a valid price.',
  processing: 'It is being credited.',
  reorged: 'The chain took a payment back.',
  kept_back: 'A payment waits for the operator: it is not credited yet.',
  failed: 'A payment was declined or has failed: nothing was taken for it. You can try again.',
  refunded: 'Money was refunded, and its credits were taken back.',
  disputed: 'A payment is disputed, and its credits were taken back.',
};
/** What a progress says better than the amount. */
const PROGRESS = {
  seen: 'Your payment is on its way: it is not in a block yet.',
  processing: 'Your payment is under way.',
  returned: 'Your payment went back to you.',
};
/** By card, nothing more can be paid. */
const PAID_ENOUGH = ['processing', 'credited'];

function showStatus(order, { progress, state, payments }) {
  const amount = PROGRESS[progress] ?? AMOUNTS[state.amount];
  element('state').textContent = [amount, ...state.flags.map(flag => FLAGS[flag])].join(' ');
  element('payments').replaceChildren(...payments.map(payment => listItem(paymentText(payment))));
  if (order.method === 'card') element('card').hidden = PAID_ENOUGH.includes(progress);
  element('claim').hidden = !state.credited || isOver(state);
  element('claim').textContent =
    state.key === 'claimed' ? 'Show a new key; the one before stops working' : 'Show my Secure Key';
}

function listItem(text) {
  const item = document.createElement('li');
  item.textContent = text;
  return item;
}

function paymentText(payment) {
  const credited = payment.credited ? `credited as ${payment.credits} credits` : 'not credited';
  return payment.transaction
    ? `Block ${payment.block}, transaction ${payment.transaction}: ${credited}`
    : `$${payment.amount_usd} by card, ${payment.status}: ${credited}`;
}

/** The receipt of an order: each payment, the lots that came of it, and what is left of them. */
async function showReceipt(id, credential) {
  const receipt = await call('GET', `/v1/orders/${encodeURIComponent(id)}/receipt`, { secret: credential });
  element('receipt-order').textContent = receipt.order;
  element('receipt-remaining').textContent = receipt.remaining;
  element('receipt-payments').replaceChildren(...receipt.payments.map(receiptItem));
  element('receipt').hidden = false;
}

function receiptItem(payment) {
  const item = listItem(paymentText(payment));
  for (const [name, usd] of [
    ['refunded', payment.refunded_usd],
    ['disputed', payment.disputed_usd],
  ])
    if (Number(usd) > 0) item.append(`, $${usd} ${name}`);
  if (isHttpUrl(payment.receipt_url)) {
    const link = document.createElement('a');
    link.href = payment.receipt_url;
    link.target = '_blank';
    link.rel = 'noopener noreferrer';
    link.textContent = 'Receipt by Stripe';
    item.append(' ', link);
  }
  const lots = document.createElement('ul');
  lots.append(...payment.lots.map(lot => listItem(lotText(lot))));
  item.append(lots);
  return item;
}

function lotText({
  id,
  added_at: addedAt,
  expires_at: expiresAt,
  face,
  available,
  live,
  renewals_left: renewals,
}) {
  const time = instant => new Date(instant).toLocaleString();
  const life = live ? `renewed ${renewals} times more, until ${time(expiresAt)}` : 'over';
  return `Lot ${id} of ${time(addedAt)}: ${available} of ${face} credits left, ${life}`;
}

/** Nothing else becomes a link. */
function isHttpUrl(text) {
  return typeof text === 'string' && /^https?:\/\//.test(text);
}

/** Whether the order gives out no key any more: it is saved, or the account was recovered by a wallet. */
function isOver({ key }) {
  return key === 'acknowledged' || key === 'closed';
}

/** Follows the order's events until its key is saved. */
async function watch(order) {
  const { id, secret } = order;
  for (;;) {
    try {
      for await (const status of statusesOf(id, secret)) {
        element('problem').hidden = true;
        showStatus(order, status);
        if (status.state.credited || status.progress === 'returned') await showReceipt(id, secret);
        if (isOver(status.state)) return;
      }
    } catch (error) {
      // Nothing here can bring an unknown order back: the next visit begins with a new one.
      if (error.code === 'not_found') sessionStorage.removeItem(STORED);
      showProblem(error);
      if (error.code === 'not_found') return;
    }
    await new Promise(resolve => setTimeout(resolve, AGAIN_MS));
  }
}

/** Every status of the order as it comes. EventSource cannot send the secret in a header, so the stream is read by hand. */
async function* statusesOf(id, secret) {
  const response = await fetch(`/v1/orders/${id}/events`, { headers: { Authorization: `Bearer ${secret}` } });
  if (!response.ok) {
    const answer = await response.json();
    throw Object.assign(new Error(answer.detail), { code: answer.code });
  }
  let unread = '';
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const events = (unread + text).split('\n\n');
    unread = events.pop();
    for (const event of events) {
      const data = event.split('\n').find(line => line.startsWith('data: '));
      if (data) yield JSON.parse(data.slice('data: '.length));
    }
  }
}

/** To Stripe's page: the one that the order has, or a new one where that has ended. */
async function goToCheckout({ id, secret }) {
  const { url } = await call('POST', `/v1/orders/${id}/checkout`, { secret });
  location.assign(url);
}

function begin(order) {
  showPayment(order);
  element('checkout').addEventListener('click', () => trying(() => goToCheckout(order)));
  void watch(order);
  element('claim').addEventListener('click', () =>
    trying(async () => {
      const { secure_key: key } = await call('POST', `/v1/orders/${order.id}/claim`, {
        secret: order.secret,
      });
      element('key').textContent = key;
      element('key-section').hidden = false;
    }),
  );
  element('acknowledge').addEventListener('click', () =>
    trying(async () => {
      const body = { secure_key: element('key').textContent };
      await call('POST', `/v1/orders/${order.id}/acknowledge`, { secret: order.secret, body });
      sessionStorage.removeItem(STORED);
      element('key-section').hidden = true;
      element('claim').hidden = true;
    }),
  );
}

element('order-form').addEventListener('submit', async event => {
  event.preventDefault();
  const method = event.submitter?.value ?? 'eth';
  // A double click is one order.
  const buttons = [element('order'), element('order-card')];
  for (const button of buttons) button.disabled = true;
  await trying(async () => {
    const amount = element('amount').value.trim();
    const order = await call('POST', '/v1/orders', { body: { amount_usd: amount, method } });
    sessionStorage.setItem(STORED, JSON.stringify(order));
    begin(order);
    if (method === 'card') location.assign(order.checkout.url);
  });
  for (const button of buttons) button.disabled = false;
});

element('receipt-form').addEventListener('submit', async event => {
  event.preventDefault();
  await trying(() => showReceipt(element('receipt-id').value.trim(), element('receipt-secret').value.trim()));
});

/** Who comes back from Stripe's page is told how it went; the URL is then an ordinary one again. */
function welcomeBack(order) {
  const returned = new URLSearchParams(location.search);
  const id = returned.get('order');
  if (id === null) return;
  history.replaceState(null, '', location.pathname);
  if (order?.id !== id)
    notify('This order was made in another tab or browser: go on there, where its secret is.');
  else if (returned.get('checkout') === 'cancelled')
    notify('You have not paid. The order is kept: you can still go to the payment page.');
}

function notify(text) {
  element('notice').textContent = text;
  element('notice').hidden = false;
}

/** Cards are offered where they are taken. */
async function offerMethods() {
  const { methods } = await call('GET', '/v1/payment-methods');
  element('order-card').hidden = !methods.includes('card');
}

const stored = JSON.parse(sessionStorage.getItem(STORED) ?? 'null');
if (stored) begin(stored);
welcomeBack(stored);
if (!stored) void trying(offerMethods);
