/** Batches, reversals, holds, usage and the price list. */
import type { ProblemCode } from '../../../api/contract/problem-codes.ts';
import type { ApiUnderTest, Call } from '../api.ts';
import type { Answer, AnyBody } from '../http.ts';
import { spendingKey } from './keys-cases.ts';
import { whileOutcomesAreUnknown, whileOverloaded } from './posting-trouble.ts';
import type { Prepared, RouteCases } from './route-case.ts';
import type { Stage } from './stage.ts';

/** As much of the stage as most cases need. */
type Scene = Pick<Stage, 'api' | 'unique'>;

/** What service-requests.ts allows one service to hold of an account. */
const HOLDS_MAX = 100;

export const MODEL = 'chat-large';

/** A version of the price list in which MODEL has no images, and whispering is free. */
const rateCard = (version: number) => ({
  version,
  prices: [
    { model: MODEL, per_million_input_tokens: '2.5', per_million_output_tokens: '10' },
    { model: 'whisper', per_second: '0' },
  ],
  reason: 'the prices of spring',
});

/** The number and instant of the first version, which is published if there is none. */
export async function firstRateCard({ api }: Pick<Scene, 'api'>): Promise<{ effectiveAt: string }> {
  const { rate_cards: cards } = (await listed(api)) as { rate_cards: { effective_at: string }[] };
  const first = cards.at(-1);
  if (first) return { effectiveAt: first.effective_at };
  const { body } = await publish(api, rateCard(1));
  return { effectiveAt: String(body.effective_at) };
}

async function listed(api: ApiUnderTest): Promise<AnyBody> {
  return (await api.call('GET', '/v1/operator/rate-cards', { bearer: api.operatorToken })).body;
}

async function nextVersion(scene: Scene): Promise<number> {
  await firstRateCard(scene);
  const { rate_cards: cards } = (await listed(scene.api)) as { rate_cards: { version: number }[] };
  return (cards[0]?.version ?? 0) + 1;
}

function publish(api: ApiUnderTest, json: object): Promise<Answer<AnyBody>> {
  return api.call('POST', '/v1/operator/rate-cards', { bearer: api.operatorToken, json });
}

/** The price list before there was one: the clock is put back for as long as `ask` takes. */
async function beforeRateCards<Answered>(scene: Scene, ask: () => Promise<Answered>): Promise<Answered> {
  await firstRateCard(scene);
  const { api } = scene;
  const { now } = api;
  // No book and no lot of a customer that is made now is any older.
  api.now = now - 10n * 365n * 86_400_000_000n;
  try {
    return await ask();
  } finally {
    api.now = now;
  }
}

const asService = (api: ApiUnderTest, key: string, json?: object): Call => ({
  bearer: api.serviceToken,
  ...(json === undefined ? {} : { json }),
  headers: { 'idempotency-key': key },
});

function ask(api: ApiUnderTest, { path, ...call }: Prepared): Promise<Answer<AnyBody>> {
  return api.call('POST', path, call);
}

async function debitToReverse({ api, unique }: Scene): Promise<Prepared> {
  const { body } = await api.debit(await api.customer(), '5', unique());
  return { path: `/v1/debits/${body.id}/reverse`, ...asService(api, unique(), { amount: '2' }) };
}

async function newHold({ api, unique }: Scene, secureKey?: string, amount = '5'): Promise<Prepared> {
  const secure_key = secureKey ?? (await api.customer()).secureKey;
  return { path: '/v1/holds', ...asService(api, unique(), { secure_key, amount }) };
}

/** A key that may spend a millionth of a credit in a day. */
async function limitedKey({ api }: Scene): Promise<string> {
  return await spendingKey(api, await api.customer(), { amount: '0.000001', period: 'day' });
}

/** The same for a grant that nobody gave. */
function byUnknownGrant({ json, ...prepared }: Prepared): Prepared {
  const { secure_key: _, ...body } = json as { secure_key: string };
  return { ...prepared, json: { ...body, grant: 'grant_0123456789abcdef_1' } };
}

/** The path of a hold of 5 credits. */
async function heldPath(scene: Scene): Promise<string> {
  return `/v1/holds/${(await ask(scene.api, await newHold(scene))).body.id}`;
}

async function captureOf(scene: Scene, json: object = { amount: '4' }): Promise<Prepared> {
  return { path: `${await heldPath(scene)}/capture`, ...asService(scene.api, scene.unique(), json) };
}

async function releaseOf(scene: Scene): Promise<Prepared> {
  return { path: `${await heldPath(scene)}/release`, ...asService(scene.api, scene.unique()) };
}

async function usageOf({ api, unique }: Scene, used: object = { input_tokens: 1000 }): Promise<Prepared> {
  const secure_key = (await api.customer()).secureKey;
  return { path: '/v1/usage', ...asService(api, unique(), { secure_key, model: MODEL, ...used }) };
}

async function debtor({ api, unique }: Scene): Promise<string> {
  const customer = await api.customer();
  await api.debit(customer, '4000', unique());
  await api.intake.vanish(customer.payment);
  return customer.secureKey;
}

/** A hold that is released, asked for `what` afterwards. */
async function afterRelease(scene: Scene, what: 'capture' | 'release', json?: object) {
  const path = await heldPath(scene);
  await ask(scene.api, { path: `${path}/release`, ...asService(scene.api, scene.unique()) });
  return await ask(scene.api, { path: `${path}/${what}`, ...asService(scene.api, scene.unique(), json) });
}

/** The request twice with one key, the second time with something else in it. */
async function reused({ api }: Scene, prepared: Prepared, json: object): Promise<Answer<AnyBody>> {
  await ask(api, prepared);
  return await ask(api, { ...prepared, json: { ...(prepared.json as object), ...json } });
}

const strangersHold = 'acct_0123456789abcdef:7';

/** How each code that only spending meets comes about. */
export const SPEND_PROBLEMS = {
  hold_unknown: ({ api }) => api.call('GET', `/v1/holds/${strangersHold}`, { bearer: api.serviceToken }),
  spend_unknown: ({ api, unique }) =>
    ask(api, { path: `/v1/debits/${strangersHold}/reverse`, ...asService(api, unique(), {}) }),
  hold_closed: scene => afterRelease(scene, 'capture', { amount: '1' }),
  capture_above_hold: async scene => ask(scene.api, await captureOf(scene, { amount: '5.000001' })),
  reversal_above_spend: async scene =>
    ask(scene.api, { ...(await debitToReverse(scene)), json: { amount: '5.000001' } }),
  too_many_holds: async scene => {
    const { secureKey } = await scene.api.customer();
    for (let count = 0; count < HOLDS_MAX; count += 1) await ask(scene.api, await newHold(scene, secureKey));
    return await ask(scene.api, await newHold(scene, secureKey));
  },
  rate_card_missing: scene => beforeRateCards(scene, async () => ask(scene.api, await usageOf(scene))),
  model_unknown: async scene => {
    await firstRateCard(scene);
    return await ask(scene.api, await usageOf(scene, { model: 'chat-tiny', input_tokens: 1 }));
  },
  usage_unpriced: async scene => {
    await firstRateCard(scene);
    return await ask(scene.api, await usageOf(scene, { images: 1 }));
  },
  usage_free: async scene => {
    await firstRateCard(scene);
    return await ask(scene.api, await usageOf(scene, { model: 'whisper', seconds: '60' }));
  },
  rate_card_version_taken: async scene => {
    await firstRateCard(scene);
    return await publish(scene.api, rateCard(1));
  },
  rate_card_too_early: async scene =>
    publish(scene.api, { ...rateCard(await nextVersion(scene)), effective_at: '2026-01-01T00:00:00Z' }),
} as const satisfies { readonly [Code in ProblemCode]?: (scene: Scene) => Promise<Answer<AnyBody>> };

/** What posting meets, on a route whose request is `prepare`d. */
function troubleOf(prepare: (stage: Stage) => Promise<Prepared>) {
  return {
    overloaded: async (stage: Stage) => {
      const customer = await stage.api.customer();
      // Whoever asks for a customer gets the one whose book is to be kept busy.
      const api: ApiUnderTest = Object.create(stage.api, { customer: { value: async () => customer } });
      const prepared = await prepare({ ...stage, api });
      return await whileOverloaded(stage, customer.accountId, () => ask(stage.api, prepared));
    },
    outcome_unknown: async (stage: Stage) => {
      const prepared = await prepare(stage);
      return await whileOutcomesAreUnknown(stage, () => ask(stage.api, prepared));
    },
  };
}

const pricing = (prepare: (scene: Scene, used: object) => Promise<Prepared>) => ({
  rate_card_missing: (scene: Scene) =>
    beforeRateCards(scene, async () =>
      ask(scene.api, await prepare(scene, { model: MODEL, input_tokens: 1 })),
    ),
  model_unknown: async (scene: Scene) => {
    await firstRateCard(scene);
    return await ask(scene.api, await prepare(scene, { model: 'chat-tiny', input_tokens: 1 }));
  },
  usage_unpriced: async (scene: Scene) => {
    await firstRateCard(scene);
    return await ask(scene.api, await prepare(scene, { model: MODEL, images: 1 }));
  },
  usage_free: async (scene: Scene) => {
    await firstRateCard(scene);
    return await ask(scene.api, await prepare(scene, { model: 'whisper', seconds: '60' }));
  },
});

const priced = async (stage: Stage) => {
  await firstRateCard(stage);
  return await usageOf(stage);
};

export const SPEND_CASES: RouteCases = {
  createDebitBatch: {
    succeeds: async ({ api, unique }) => ({
      path: '/v1/debits/batch',
      bearer: api.serviceToken,
      json: {
        debits: [
          { secure_key: (await api.customer()).secureKey, amount: '1', idempotency_key: unique() },
          { amount: '1' },
        ],
      },
    }),
  },
  reverseDebit: {
    succeeds: debitToReverse,
    problems: {
      spend_unknown: SPEND_PROBLEMS.spend_unknown,
      reversal_above_spend: SPEND_PROBLEMS.reversal_above_spend,
      idempotency_key_reused: async scene => reused(scene, await debitToReverse(scene), { amount: '1' }),
      ...troubleOf(debitToReverse),
    },
  },
  createHold: {
    succeeds: newHold,
    problems: {
      insufficient_credits: async scene => {
        const { json, ...hold } = await newHold(scene);
        return await ask(scene.api, { ...hold, json: { ...(json as object), amount: '10000.000001' } });
      },
      debt_open: async scene => ask(scene.api, await newHold(scene, await debtor(scene))),
      secure_key_invalid: async scene => ask(scene.api, await newHold(scene, 'aisk_dev_nonsense')),
      grant_invalid: async scene => ask(scene.api, byUnknownGrant(await newHold(scene))),
      key_limit_exceeded: async scene => ask(scene.api, await newHold(scene, await limitedKey(scene))),
      too_many_holds: SPEND_PROBLEMS.too_many_holds,
      idempotency_key_reused: async scene => reused(scene, await newHold(scene), { expires_in_seconds: 60 }),
      ...troubleOf(newHold),
    },
  },
  getHold: {
    succeeds: async stage => ({ path: await heldPath(stage), bearer: stage.api.serviceToken }),
    problems: { hold_unknown: SPEND_PROBLEMS.hold_unknown },
  },
  captureHold: {
    succeeds: captureOf,
    problems: {
      hold_unknown: ({ api, unique }) =>
        ask(api, {
          path: `/v1/holds/${strangersHold}/capture`,
          ...asService(api, unique(), { amount: '1' }),
        }),
      hold_closed: SPEND_PROBLEMS.hold_closed,
      capture_above_hold: SPEND_PROBLEMS.capture_above_hold,
      idempotency_key_reused: async scene => reused(scene, await captureOf(scene), { amount: '3' }),
      ...pricing((scene, usage) => captureOf(scene, { usage })),
      ...troubleOf(captureOf),
    },
  },
  releaseHold: {
    succeeds: releaseOf,
    problems: {
      hold_unknown: ({ api, unique }) =>
        ask(api, { path: `/v1/holds/${strangersHold}/release`, ...asService(api, unique()) }),
      hold_closed: scene => afterRelease(scene, 'release'),
      idempotency_key_reused: async scene => {
        const { api, unique } = scene;
        const [{ secureKey }, key] = [await api.customer(), unique()];
        const ids = [
          (await ask(api, await newHold(scene, secureKey))).body.id,
          (await ask(api, await newHold(scene, secureKey))).body.id,
        ];
        await ask(api, { path: `/v1/holds/${ids[0]}/release`, ...asService(api, key) });
        return await ask(api, { path: `/v1/holds/${ids[1]}/release`, ...asService(api, key) });
      },
      ...troubleOf(releaseOf),
    },
  },
  createUsage: {
    succeeds: priced,
    problems: {
      insufficient_credits: async scene => {
        await firstRateCard(scene);
        return await ask(scene.api, await usageOf(scene, { output_tokens: 1_000_000_001 }));
      },
      debt_open: async scene => {
        const { json, ...usage } = await priced(scene);
        return await ask(scene.api, {
          ...usage,
          json: { ...(json as object), secure_key: await debtor(scene) },
        });
      },
      grant_invalid: async scene => ask(scene.api, byUnknownGrant(await priced(scene))),
      key_limit_exceeded: async scene => {
        const { json, ...usage } = await priced(scene);
        const secure_key = await limitedKey(scene);
        return await ask(scene.api, { ...usage, json: { ...(json as object), secure_key } });
      },
      secure_key_invalid: async scene => {
        const { json, ...usage } = await priced(scene);
        return await ask(scene.api, { ...usage, json: { ...(json as object), secure_key: 'aisk_dev_none' } });
      },
      idempotency_key_reused: async scene => reused(scene, await priced(scene), { output_tokens: 1 }),
      ...pricing(usageOf),
      ...troubleOf(priced),
    },
  },
  getRateCard: {
    succeeds: async stage => {
      await firstRateCard(stage);
      return { path: '/v1/rate-card', bearer: (await stage.api.customer()).secureKey };
    },
    problems: {
      rate_card_missing: scene =>
        beforeRateCards(scene, () =>
          scene.api.call('GET', '/v1/rate-card', { bearer: scene.api.serviceToken }),
        ),
    },
  },
  createRateCard: {
    succeeds: async stage => ({
      path: '/v1/operator/rate-cards',
      bearer: stage.api.operatorToken,
      json: rateCard(await nextVersion(stage)),
    }),
    problems: {
      rate_card_version_taken: SPEND_PROBLEMS.rate_card_version_taken,
      rate_card_too_early: SPEND_PROBLEMS.rate_card_too_early,
    },
  },
  listRateCards: {
    succeeds: async ({ api }) => ({ path: '/v1/operator/rate-cards', bearer: api.operatorToken }),
  },
};
