// The plain order page: order, watch, claim, acknowledge. The order's secret stays in this tab, so that a reload
// does not lose it, and travels in a header only.
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
  element('address').textContent = order.payment.address;
  element('amount-eth').textContent = order.payment.amount_eth;
  element('calldata').textContent = order.payment.calldata;
  element('credits').textContent = order.credits;
  element('eth-usd').textContent = order.quote.eth_usd;
  element('deadline').textContent = new Date(order.quote.deadline).toLocaleTimeString();
  element('payment').hidden = false;
  element('status').hidden = false;
  element('order-form').hidden = true;
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
};

const SEEN = 'Your payment is on its way: it is not in a block yet.';

function showStatus({ progress, state, payments }) {
  const amount = progress === 'seen' ? SEEN : AMOUNTS[state.amount];
  element('state').textContent = [amount, ...state.flags.map(flag => FLAGS[flag])].join(' ');
  element('payments').replaceChildren(
    ...payments.map(payment => {
      const item = document.createElement('li');
      const credited = payment.credited ? `credited as ${payment.credits} credits` : 'not credited';
      item.textContent = `Block ${payment.block}, transaction ${payment.transaction}: ${credited}`;
      return item;
    }),
  );
  element('claim').hidden = !state.credited || isOver(state);
  element('claim').textContent =
    state.key === 'claimed' ? 'Show a new key; the one before stops working' : 'Show my Secure Key';
}

/** Whether the order gives out no key any more: it is saved, or the account was recovered by a wallet. */
function isOver({ key }) {
  return key === 'acknowledged' || key === 'closed';
}

/** Follows the order's events until its key is saved. */
async function watch({ id, secret }) {
  for (;;) {
    try {
      for await (const status of statusesOf(id, secret)) {
        element('problem').hidden = true;
        showStatus(status);
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

function begin(order) {
  showPayment(order);
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
  // A double click is one order.
  element('order').disabled = true;
  await trying(async () => {
    const amount = element('amount').value.trim();
    const order = await call('POST', '/v1/orders', { body: { amount_usd: amount, method: 'eth' } });
    sessionStorage.setItem(STORED, JSON.stringify(order));
    begin(order);
  });
  element('order').disabled = false;
});

const stored = sessionStorage.getItem(STORED);
if (stored) begin(JSON.parse(stored));
