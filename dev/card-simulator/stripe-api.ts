/**
 * As much of Stripe's HTTP API as a shop with Checkout needs: the same paths, parameters, lists, errors and
 * idempotency. A parameter that is not known is refused, as Stripe does, so a wrong request is noticed here too.
 */
import express, { type ErrorRequestHandler, type Request, type RequestHandler, Router } from 'express';
import type Stripe from 'stripe';
import { z } from 'zod';
import { type CardBank, idOf, MoveRefused } from './card-bank.ts';
import type { Collections, Records } from './records.ts';

/** What Stripe answers to a request that it does not take. */
class RequestRefused extends Error {
  override readonly name = 'RequestRefused';
  readonly status: number;
  readonly error: { readonly type: string; readonly code?: string; readonly param?: string };

  constructor(status: number, message: string, error: RequestRefused['error']) {
    super(message);
    this.status = status;
    this.error = error;
  }
}

/** Form fields are text. */
const cents = z
  .string()
  .regex(/^\d{1,9}$/)
  .transform(Number);
const flag = z.enum(['true', 'false']).transform(text => text === 'true');
const metadata = z.record(z.string().max(40), z.string().max(500));
const expand = z.array(z.string()).max(20).exactOptional();

/** The smallest charge in dollars, by Stripe's documentation. */
const USD_CENTS_MIN = 50;

/** A Checkout Session for one price that is named in the request. */
const sessionParameters = z.strictObject({
  mode: z.literal('payment'),
  line_items: z
    .array(
      z.strictObject({
        quantity: cents,
        price_data: z.strictObject({
          currency: z.string().length(3),
          unit_amount: cents,
          product_data: z.strictObject({
            name: z.string().min(1),
            description: z.string().min(1).exactOptional(),
          }),
        }),
      }),
    )
    .length(1),
  success_url: z.url(),
  cancel_url: z.url().exactOptional(),
  client_reference_id: z.string().max(200).exactOptional(),
  metadata: metadata.exactOptional(),
  payment_method_types: z.array(z.enum(['card', 'us_bank_account'])).exactOptional(),
  payment_intent_data: z
    .strictObject({
      metadata: metadata.exactOptional(),
      description: z.string().exactOptional(),
      capture_method: z.enum(['automatic', 'automatic_async']).exactOptional(),
    })
    .exactOptional(),
  adaptive_pricing: z.strictObject({ enabled: flag }).exactOptional(),
  allow_promotion_codes: flag.exactOptional(),
  automatic_tax: z.strictObject({ enabled: flag }).exactOptional(),
  expires_at: cents
    .or(
      z
        .string()
        .regex(/^\d{10,11}$/)
        .transform(Number),
    )
    .exactOptional(),
  submit_type: z.enum(['auto', 'pay']).exactOptional(),
  expand,
});
// What is taken here is what the SDK's types let a caller send.
null as unknown as z.output<typeof sessionParameters> satisfies Stripe.Checkout.SessionCreateParams;

const refundParameters = z.strictObject({
  charge: z.string().exactOptional(),
  payment_intent: z.string().exactOptional(),
  amount: cents.exactOptional(),
  metadata: metadata.exactOptional(),
  reason: z.enum(['duplicate', 'fraudulent', 'requested_by_customer']).exactOptional(),
  expand,
});
null as unknown as z.output<typeof refundParameters> satisfies Stripe.RefundCreateParams;

const bound = z
  .string()
  .regex(/^\d{1,11}$/)
  .transform(Number);
const page = {
  limit: z
    .string()
    .regex(/^([1-9]\d?|100)$/, 'must be between 1 and 100')
    .transform(Number)
    .exactOptional(),
  starting_after: z.string().exactOptional(),
  ending_before: z.string().exactOptional(),
  created: z
    .strictObject({
      gte: bound.exactOptional(),
      gt: bound.exactOptional(),
      lte: bound.exactOptional(),
      lt: bound.exactOptional(),
    })
    .exactOptional(),
  expand,
};
const text = z.string().exactOptional();

/** What each list can be narrowed down to. */
const LISTS = {
  'checkout.session': z.strictObject({ ...page, payment_intent: text }),
  payment_intent: z.strictObject(page),
  charge: z.strictObject({ ...page, payment_intent: text }),
  refund: z.strictObject({ ...page, charge: text, payment_intent: text }),
  dispute: z.strictObject({ ...page, charge: text, payment_intent: text }),
  balance_transaction: z.strictObject({ ...page, source: text, type: text }),
  'radar.early_fraud_warning': z.strictObject({ ...page, charge: text, payment_intent: text }),
  event: z.strictObject({ ...page, type: text }),
} satisfies Record<keyof Collections, z.ZodType>;
null as unknown as { [Kind in keyof typeof LISTS]: z.output<(typeof LISTS)[Kind]> } satisfies {
  'checkout.session': Stripe.Checkout.SessionListParams;
  payment_intent: Stripe.PaymentIntentListParams;
  charge: Stripe.ChargeListParams;
  refund: Stripe.RefundListParams;
  dispute: Stripe.DisputeListParams;
  balance_transaction: Stripe.BalanceTransactionListParams;
  'radar.early_fraud_warning': Stripe.Radar.EarlyFraudWarningListParams;
  event: Stripe.EventListParams;
};

export interface StripeApiOptions {
  readonly records: Records;
  readonly bank: CardBank;
  /** The only key that is taken. */
  readonly secretKey: string;
}

/** The routes under /v1. */
export function stripeApi({ records, bank, secretKey }: StripeApiOptions): Router {
  const router = Router();
  router.use(
    onlyWithKey(secretKey),
    express.urlencoded({ extended: true, limit: '64kb' }),
    onceForKey(records),
  );

  router.get('/account', (_request, response) => {
    response.json({
      id: records.accountId,
      object: 'account',
      country: 'US',
      default_currency: 'usd',
      charges_enabled: true,
      details_submitted: true,
      email: null,
      payouts_enabled: true,
      type: 'standard',
    } satisfies Partial<Stripe.Account>);
  });

  router.post('/checkout/sessions', (request, response) => {
    const given = readParameters(sessionParameters, request.body);
    const [item] = given.line_items;
    if (!item) throw new Error('a session without an item passed its schema');
    const { currency, unit_amount: unitCents } = item.price_data;
    const amountCents = unitCents * item.quantity;
    if (currency === 'usd' && amountCents < USD_CENTS_MIN)
      throw new RequestRefused(
        400,
        "The Checkout Session's total amount must convert to at least 50 cents.",
        {
          type: 'invalid_request_error',
          code: 'amount_too_small',
        },
      );
    const session = bank.openSession({
      amountCents,
      currency,
      successUrl: given.success_url,
      cancelUrl: given.cancel_url ?? null,
      clientReferenceId: given.client_reference_id ?? null,
      metadata: given.metadata ?? {},
      paymentIntentMetadata: given.payment_intent_data?.metadata ?? {},
      paymentMethodTypes: given.payment_method_types ?? ['card', 'us_bank_account'],
      expiresAt: given.expires_at,
    });
    response.json(expanded(records, session, given.expand));
  });

  router.post('/checkout/sessions/:id/expire', (request, response) => {
    const session = known(records, 'checkout.session', request.params.id);
    bank.expire(session);
    response.json(session);
  });

  router.post('/refunds', (request, response) => {
    const given = readParameters(refundParameters, request.body);
    const intent = given.payment_intent && known(records, 'payment_intent', given.payment_intent);
    const charge = known(records, 'charge', given.charge ?? (intent ? idOf(intent.latest_charge) : ''));
    const refund = bank.refund(charge, given.amount ?? charge.amount_captured - charge.amount_refunded);
    response.json(expanded(records, refund, given.expand));
  });

  serve(router, records, '/checkout/sessions', 'checkout.session');
  serve(router, records, '/payment_intents', 'payment_intent');
  serve(router, records, '/charges', 'charge');
  serve(router, records, '/refunds', 'refund');
  serve(router, records, '/disputes', 'dispute');
  serve(router, records, '/balance_transactions', 'balance_transaction');
  serve(router, records, '/radar/early_fraud_warnings', 'radar.early_fraud_warning');
  serve(router, records, '/events', 'event');

  router.use((request: Request) => {
    throw new RequestRefused(404, `Unrecognized request URL (${request.method}: /v1${request.path}).`, {
      type: 'invalid_request_error',
    });
  });
  router.use(answerError);
  return router;
}

/** One object by its id, and the list, the newest first. */
function serve(router: Router, records: Records, path: string, kind: keyof Collections): void {
  router.get(path, (request, response) => {
    const {
      limit = 10,
      starting_after: after,
      ending_before: before,
      created = {},
      expand: paths,
      ...filters
    } = readParameters<(typeof LISTS)[keyof Collections]>(LISTS[kind], request.query);
    let found = [...records.all(kind)].reverse() as unknown as Record<string, unknown>[];
    found = found.filter(object => {
      const at = Number(object.created);
      return (
        (created.gte === undefined || at >= created.gte) &&
        (created.gt === undefined || at > created.gt) &&
        (created.lte === undefined || at <= created.lte) &&
        (created.lt === undefined || at < created.lt) &&
        Object.entries(filters).every(([name, value]) => value === undefined || object[name] === value)
      );
    });
    if (after !== undefined) found = found.slice(positionOf(found, after, 'starting_after') + 1);
    if (before !== undefined) found = found.slice(0, positionOf(found, before, 'ending_before'));
    const data = before === undefined ? found.slice(0, limit) : found.slice(-limit);
    const inItem = paths?.map(each => each.replace(/^data\./, ''));
    response.json({
      object: 'list',
      data: data.map(object => expanded(records, object, inItem)),
      has_more: found.length > data.length,
      url: `/v1${path}`,
    } satisfies Stripe.ApiList<unknown>);
  });
  router.get(`${path}/:id`, (request, response) => {
    const { expand: paths } = readParameters(z.strictObject({ expand }), request.query);
    response.json(expanded(records, known(records, kind, request.params.id), paths));
  });
}

function positionOf(list: readonly Record<string, unknown>[], id: string, param: string): number {
  const position = list.findIndex(object => object.id === id);
  if (position < 0)
    throw new RequestRefused(400, `No such object: '${id}'`, {
      type: 'invalid_request_error',
      code: 'resource_missing',
      param,
    });
  return position;
}

function known<Kind extends keyof Collections>(
  records: Records,
  kind: Kind,
  id: string,
): Collections[Kind][number] {
  const object = records.find(kind, id);
  if (object) return object;
  throw new RequestRefused(404, `No such ${kind}: '${id}'`, {
    type: 'invalid_request_error',
    code: 'resource_missing',
    param: 'id',
  });
}

/** A copy with the objects in place of the ids that `paths` name, such as latest_charge.balance_transaction. */
function expanded(records: Records, object: object, paths: readonly string[] = []): object {
  const copy = structuredClone(object) as Record<string, unknown>;
  for (const path of paths) {
    const [field = '', ...rest] = path.split('.');
    const inner = rest.length > 0 ? [rest.join('.')] : [];
    if (field === 'refunds' && copy.object === 'charge') {
      const refunds = records.all('refund').filter(refund => refund.charge === copy.id);
      copy.refunds = {
        object: 'list',
        data: refunds.reverse().map(refund =>
          expanded(
            records,
            refund,
            inner.map(each => each.replace(/^data\./, '')),
          ),
        ),
        has_more: false,
        url: `/v1/charges/${String(copy.id)}/refunds`,
      };
      continue;
    }
    const value = copy[field];
    if (value === null || value === undefined) continue;
    const found = typeof value === 'string' ? records.findAny(value) : (value as object);
    if (!found)
      throw new RequestRefused(400, `This property cannot be expanded (${field}).`, {
        type: 'invalid_request_error',
      });
    copy[field] = expanded(records, found, inner);
  }
  return copy;
}

function readParameters<Schema extends z.ZodType>(schema: Schema, given: unknown): z.output<Schema> {
  const result = schema.safeParse(given ?? {});
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const isUnknown = issue?.code === 'unrecognized_keys';
  const path = [...(issue?.path ?? []), ...(isUnknown ? issue.keys.slice(0, 1) : [])];
  const param = path.map((part, depth) => (depth === 0 ? String(part) : `[${String(part)}]`)).join('');
  throw new RequestRefused(
    400,
    isUnknown
      ? `Received unknown parameter: ${param}`
      : `Invalid ${param}: ${issue?.message ?? 'it is not taken'}`,
    { type: 'invalid_request_error', code: isUnknown ? 'parameter_unknown' : 'parameter_invalid', param },
  );
}

function onlyWithKey(secretKey: string): RequestHandler {
  return (request, _response, next) => {
    if (request.get('authorization') !== `Bearer ${secretKey}`)
      throw new RequestRefused(401, 'Invalid API Key provided.', { type: 'invalid_request_error' });
    next();
  };
}

/** The same Idempotency-Key gets the same answer; with other parameters it is refused. */
function onceForKey(records: Records): RequestHandler {
  return (request, response, next) => {
    const key = request.get('idempotency-key');
    if (key === undefined || request.method !== 'POST') {
      next();
      return;
    }
    const asked = JSON.stringify([request.path, request.body]);
    const kept = records.answers[key];
    if (kept && kept.request !== asked)
      throw new RequestRefused(
        400,
        'Keys for idempotent requests can only be used with the same parameters they were first used with.',
        { type: 'idempotency_error' },
      );
    if (kept) {
      response
        .set('Idempotent-Replayed', 'true')
        .status(kept.status)
        .type('application/json')
        .send(kept.body);
      return;
    }
    const json = response.json.bind(response);
    response.json = body => {
      records.answers[key] = { request: asked, status: response.statusCode, body: JSON.stringify(body) };
      records.keep();
      return json(body);
    };
    next();
  };
}

const answerError: ErrorRequestHandler = (error: unknown, _request, response, _next) => {
  const refused =
    error instanceof RequestRefused
      ? error
      : error instanceof MoveRefused
        ? new RequestRefused(400, error.message, { type: 'invalid_request_error' })
        : new RequestRefused(500, String(error), { type: 'api_error' });
  response.status(refused.status).json({ error: { message: refused.message, ...refused.error } });
};
