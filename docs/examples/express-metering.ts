/**
 * Middleware for Express that meters an AI route: it takes the customer's key or grant from the request, holds what the
 * call may cost at the most, runs it, and captures what it did cost before it answers. `node express-metering.ts` serves
 * POST /chat on PORT.
 */
import {
  amountText,
  CreditsClient,
  CreditsError,
  type HeldCredits,
  type Spender,
} from 'aispace-credits-client';
import express, { type ErrorRequestHandler, type Request, type RequestHandler } from 'express';

const { CREDITS_URL = 'http://127.0.0.1:3000', CREDITS_TOKEN = '', PORT = '4000' } = process.env;
const { MODEL_URL = 'http://127.0.0.1:11434', MODEL = 'chat-small' } = process.env;
/** In millionths of a credit: amounts are never floats. */
const MICROCREDITS_PER_TOKEN = 20_000n;

const credits = new CreditsClient({ baseUrl: CREDITS_URL, serviceToken: CREDITS_TOKEN });

/** A route that costs at most so many credits: `run` notes what it used and returns the answer. */
function metered(
  creditsMax: string,
  run: (request: Request, held: HeldCredits) => Promise<object>,
): RequestHandler {
  return async (request, response) => {
    const spender = spenderOf(request);
    if (!spender) {
      response.status(401).json({ code: 'credential_missing', detail: 'Send your Secure Key or a grant.' });
      return;
    }
    const hold = { ...spender, amount: creditsMax, description: request.path };
    response.json(await credits.withHold(hold, held => run(request, held)));
  };
}

/** `Authorization: Bearer aisk_…`, or `Credits-Grant: grant_…` where you know by your own login that it is theirs. */
function spenderOf(request: Request): Spender | null {
  const [, secureKey] = /^Bearer (aisk_\w+)$/.exec(request.get('authorization') ?? '') ?? [];
  if (secureKey !== undefined) return { secure_key: secureKey };
  const grant = request.get('credits-grant');
  return grant === undefined ? null : { grant };
}

/** What the customer can do something about. All else, such as a wrong service token, is ours. */
const FOR_CUSTOMERS = new Set([
  'insufficient_credits',
  'debt_open',
  'key_limit_exceeded',
  'secure_key_invalid',
  'grant_invalid',
]);

/** Passes on what the API said: a 402 has what is available, what was needed, and where to top up. */
const declined: ErrorRequestHandler = (error, _request, response, next) => {
  if (response.headersSent) return next(error);
  if (error instanceof CreditsError && FOR_CUSTOMERS.has(error.code)) {
    response.status(error.status).type('application/problem+json').send(JSON.stringify(error.problem));
    return;
  }
  console.error(error);
  response
    .status(503)
    .json({ code: 'unavailable', detail: 'This does not work just now, and cost nothing.' });
};

const app = express();
app.use(express.json());
app.post(
  '/chat',
  metered('20', async (request, held) => {
    const answer = await fetch(`${MODEL_URL}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        model: MODEL,
        max_tokens: 900,
        messages: [{ role: 'user', content: String(request.body?.prompt) }],
      }),
    });
    if (!answer.ok) throw new Error(`the model answered ${answer.status}`);
    const { choices, usage } = (await answer.json()) as ChatCompletion;
    held.use(amountText(BigInt(usage.total_tokens) * MICROCREDITS_PER_TOKEN));
    return { text: choices[0]?.message.content ?? '', credits: held.used };
  }),
);
app.use(declined);
app.listen(Number(PORT), '127.0.0.1', () => console.log(`listening on ${PORT}`));

interface ChatCompletion {
  readonly choices: readonly { readonly message: { readonly content: string } }[];
  readonly usage: { readonly total_tokens: number };
}
