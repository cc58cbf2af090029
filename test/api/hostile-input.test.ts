/**
 * What callers with bad intentions send, to every route of the contract: each string of each body, each variable of each
 * path and each field of each query, out of the schemas themselves. All of it is the caller's fault, and never a 500.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ALL_ROUTES } from '../../api/contract/all-routes.ts';
import type { Route } from '../../api/contract/route.ts';
import { CONTRACT_CASES } from '../support/contract/all-cases.ts';
import type { Prepared } from '../support/contract/route-case.ts';
import { openStage, type Stage } from '../support/contract/stage.ts';
import type { Answer, AnyBody } from '../support/http.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage?.stop());

/** What no field takes that is a string. */
const WRONG_TYPES: readonly unknown[] = [7, -1, 1.5, true, null, [], ['1'], {}, { $ne: '' }];
/** Text that a database, a log or a page would stumble over; no field takes these. */
const BROKEN_TEXT = ['\u0000', 'a\u0000b', '\ud800', 'a\udc00b'];
/** Kept as it is, whatever is in it: it is sealed as JSON, in which all of it can be written. */
const FREE_TEXT = new Set(['description']);
/** Text that some fields may take. */
const ODD_TEXT = [
  ...['', ' ', '\n', '\u202e', '\ufeff', '𝕏', 'é', 'e\u0301', '𠮷'.repeat(40)],
  ...['-1', '+1', '1e3', '1E-7', '0x10', '0.0000001', '.5', '1.', '01', '1,5', '١٢', 'NaN', 'Infinity'],
  ...['__proto__', 'constructor', "' or 1=1 --", '{{7*7}}', '<script>', '../../etc/passwd', 'x'.repeat(5000)],
];

/** Each field meets a part of them, the next field the next part: together they meet all, many times over. */
let dealt = 0;
function oddTexts(): string[] {
  const each = 9;
  dealt += each;
  return Array.from({ length: each }, (_, index) => ODD_TEXT[(dealt + index) % ODD_TEXT.length] ?? '');
}

interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
}

/** The fields of a schema, in all of its forms, each with its own schema. */
function fieldsOf(schema: z.ZodType | undefined): [string, JsonSchema][] {
  if (!schema) return [];
  const fields = ({ properties = {}, anyOf = [], oneOf = [] }: JsonSchema): [string, JsonSchema][] => [
    ...Object.entries(properties),
    ...[...anyOf, ...oneOf].flatMap(fields),
  ];
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  return [...new Map(fields(json))];
}

const BODIES = ALL_ROUTES.filter(({ body }) => body).flatMap(route =>
  fieldsOf(route.body).map(([field, schema]) => [`${route.name}: ${field}`, route, field, schema] as const),
);
const PATHS = ALL_ROUTES.filter(({ params }) => params).map(route => [route.name, route] as const);
const QUERIES = ALL_ROUTES.filter(({ query }) => query).flatMap(route =>
  fieldsOf(route.query).map(([field]) => [`${route.name}: ${field}`, route, field] as const),
);

/** Whether a schema may take values of this type: what is of the right type and wrong all the same is another matter. */
function isOfType({ type = [], anyOf = [], oneOf = [] }: JsonSchema, value: unknown): boolean {
  const types = [type].flat();
  const of = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
  return (
    types.includes(of) ||
    (Number.isInteger(value) && types.includes('integer')) ||
    [...anyOf, ...oneOf].some(schema => isOfType(schema, value))
  );
}

async function prepare({ name }: Route): Promise<Prepared> {
  const prepared = await CONTRACT_CASES[name]?.succeeds(stage);
  if (!prepared) throw new Error(`there is no case for ${name}`);
  return prepared;
}

function ask({ method }: Route, { path, ...call }: Prepared): Promise<Answer<AnyBody>> {
  return stage.api.call(method, path, call);
}

/** With another Idempotency-Key, so that it is not taken for a try of the same. */
function anew(route: Route, prepared: Prepared): Prepared {
  if (!route.idempotent) return prepared;
  return { ...prepared, headers: { ...prepared.headers, 'idempotency-key': stage.unique() } };
}

describe.each(BODIES)('the body of %s', (_, route, field, schema) => {
  const withValue = (prepared: Prepared, value: unknown) =>
    ask(route, anew(route, { ...prepared, json: { ...(prepared.json as object), [field]: value } }));

  it('must have the right type, and is told by its name', async () => {
    const prepared = await prepare(route);
    for (const value of WRONG_TYPES) {
      if (isOfType(schema, value)) continue;
      const answer = await withValue(prepared, value);
      expect({ value, status: answer.status, text: answer.text }).toMatchObject({ status: 400 });
      // A list in place of an object of that shape is told by its first member.
      expect({ value, ...answer.body }).toMatchObject({
        code: 'invalid_field',
        field: expect.stringMatching(new RegExp(`^${field}(?:\\.0)?$`)),
      });
    }
  });

  it('takes no text that is none', async () => {
    const prepared = await prepare(route);
    for (const value of BROKEN_TEXT) {
      const { status, body } = await withValue(prepared, value);
      if (FREE_TEXT.has(field) && status < 300) continue;
      expect({ value, status, ...body }).toMatchObject({ field });
      expect([400, 409, 422], JSON.stringify(body)).toContain(status);
    }
  });

  it('meets odd text without a fault of ours', async () => {
    const prepared = await prepare(route);
    for (const value of oddTexts()) {
      const { status, text } = await withValue(prepared, value);
      expect({ value, isOurs: status >= 500, text }).toMatchObject({ isOurs: false });
    }
  });
});

describe.each(ALL_ROUTES.filter(({ body }) => body).map(route => [route.name, route] as const))(
  'the body of %s as a whole',
  (_, route) => {
    const send = async (body: string) => {
      const { json: _json, ...rest } = anew(route, await prepare(route));
      return await ask(route, {
        ...rest,
        body,
        headers: { ...rest.headers, 'content-type': 'application/json' },
      });
    };

    it.skipIf(route.body?.safeParse({}).success)('is refused: nothing', async () => {
      const { status, body: problem } = await send('');
      expect([400, 415], JSON.stringify(problem)).toContain(status);
    });

    it.each([
      ['null', 'null'],
      ['a number', '7'],
      ['a string', '"{}"'],
      ['an array', '[]'],
      ['an array of itself', '[{}]'],
      ['broken', '{"a":'],
      ['two', '{}{}'],
      ['NaN', '{"amount":NaN}'],
      ['deep arrays', '['.repeat(7000)],
      ['deep objects', `${'{"a":'.repeat(2500)}1${'}'.repeat(2500)}`],
      ['bytes that are no UTF-8 as text', '{"amount":"\u{fffd}"'],
    ])('is refused: %s', async (_what, body) => {
      const { status, body: problem } = await send(body);
      expect([400, 415], JSON.stringify(problem)).toContain(status);
    });

    it.each(['__proto__', 'constructor', 'toString', 'nonsense', '', '\u0000'])(
      'has no field %j',
      async field => {
        const prepared = await prepare(route);
        const json = JSON.stringify(prepared.json);
        const more = `${JSON.stringify(field)}:{"amount":"1","scope":"manage"}`;
        const { status, body } = await send(json === '{}' ? `{${more}}` : `{${more},${json.slice(1)}`);
        expect({ status, body }).toMatchObject({ status: 400, body: { code: 'invalid_field', field } });
      },
    );
  },
);

describe.each(PATHS)('the path of %s', (_, route) => {
  it('meets anything in its variables without a fault of ours', async () => {
    const prepared = await prepare(route);
    for (const [name] of fieldsOf(route.params))
      for (const value of [...BROKEN_TEXT, ...oddTexts()]) {
        if (value === '' || !value.isWellFormed()) continue;
        const template = route.path.split('/');
        const path = prepared.path
          .split('/')
          .map((part, index) => (template[index] === `{${name}}` ? encodeURIComponent(value) : part))
          .join('/');
        const { status, text } = await ask(route, { ...prepared, path });
        expect({ value, text, isOurs: status >= 500 }).toMatchObject({ isOurs: false });
      }
  });
});

describe.each(QUERIES)('the query of %s', (_, route, field) => {
  it('meets anything without a fault of ours', async () => {
    const prepared = await prepare(route);
    const [path] = prepared.path.split('?');
    const asked = [...BROKEN_TEXT, ...oddTexts()]
      .filter(value => value.isWellFormed())
      .map(value => `${field}=${encodeURIComponent(value)}`);
    for (const query of [...asked, `${field}=%`, `${field}=%ff`, field])
      expect((await ask(route, { ...prepared, path: `${path}?${query}` })).status, query).toBeLessThan(500);
  });

  it('must be given once, and plainly', async () => {
    const prepared = await prepare(route);
    const [path] = prepared.path.split('?');
    for (const query of [
      `${field}=1&${field}=1`,
      `${field}[]=1`,
      `${field}[a]=1`,
      '__proto__=1',
      'nonsense=1',
    ]) {
      const { status, body } = await ask(route, { ...prepared, path: `${path}?${query}` });
      expect({ query, status, ...body }).toMatchObject({ status: 400, code: 'invalid_field' });
    }
  });
});

describe.each(ALL_ROUTES.filter(({ idempotent }) => idempotent).map(route => [route.name, route] as const))(
  'the Idempotency-Key of %s',
  (_, route) => {
    it.each(['', ' ', 'two words', 'é', 'x'.repeat(256)])('is refused: %j', async key => {
      const prepared = await prepare(route);
      const headers = { ...prepared.headers, 'idempotency-key': Buffer.from(key).toString('latin1') };
      const { status, body } = await ask(route, { ...prepared, headers });
      expect({ status, ...body }).toMatchObject({ status: 400, field: 'Idempotency-Key' });
    });
  },
);
