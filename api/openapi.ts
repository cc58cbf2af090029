/** The contract as an OpenAPI 3.1 document, whose schemas are JSON Schema 2020-12: what zod writes. */
import { z } from 'zod';
import { idempotencyKey } from './contract/fields.ts';
import { type ProblemCode, problemAnswer, STATUS_OF } from './contract/problem-codes.ts';
import {
  acceptsSession,
  CALLERS,
  type Caller,
  problemsOf,
  type Route,
  rateLimitOf,
} from './contract/route.ts';
import { sessionCookieName } from './session-cookie.ts';

type Json = { [member: string]: unknown };

export interface OpenApi extends Json {
  readonly openapi: '3.1.0';
  readonly paths: { readonly [path: string]: { readonly [method: string]: Json } };
}

/** @param publicUrl Where the API is reached. */
export function openApiOf(routes: readonly Route[], version: string, publicUrl: string): OpenApi {
  const paths: { [path: string]: { [method: string]: Json } } = {};
  for (const route of routes) {
    const methods = paths[route.path] ?? {};
    methods[route.method.toLowerCase()] = operationOf(route);
    paths[route.path] = methods;
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'AiSpace Credits',
      version,
      description:
        'Prepaid credits for AI services. Amounts are decimal strings, instants are in UTC, errors are problem ' +
        'details (RFC 9457) with a stable `code`. What moves credits takes an `Idempotency-Key`. Limited answers have ' +
        '`RateLimit` headers. A request that does not arrive whole within 10 s is answered with 408 `request_timeout`.',
    },
    servers: [{ url: publicUrl }],
    tags: [...new Set(routes.map(route => route.group))].map(name => ({ name })),
    paths,
    components: {
      securitySchemes: securitySchemes(publicUrl),
      schemas: { Problem: schemaOf(problemAnswer, 'output') },
    },
  };
}

function operationOf(route: Route): Json {
  const { name, group, summary, detail, body } = route;
  const parameters = [
    ...parametersOf(route.params, 'path'),
    ...parametersOf(route.query, 'query'),
    ...(route.idempotent
      ? [
          {
            name: 'Idempotency-Key',
            in: 'header',
            required: true,
            description: 'New for each thing to do, the same when it is tried again.',
            schema: schemaOf(idempotencyKey, 'input'),
          },
        ]
      : []),
  ];
  return {
    operationId: name,
    tags: [group],
    summary,
    ...(detail === undefined ? {} : { description: detail }),
    security: securityOf(route),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body
      ? {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: schemaOf(body, 'input') } },
          },
        }
      : {}),
    responses: { [route.status]: successOf(route), ...problemResponses(problemsOf(route)) },
  };
}

function successOf(route: Route): Json {
  const { answer, mediaType, otherMediaTypes = [], status } = route;
  const text = (description: string) => ({ description, schema: { type: 'string' } });
  const headers = {
    'Request-Id': text('Ours, in our log too.'),
    ...(rateLimitOf(route) === null
      ? {}
      : {
          'RateLimit-Policy': text('How many requests (`q`) in how many seconds (`w`).'),
          RateLimit: text('How many are left (`r`), and in how many seconds there are all again (`t`).'),
        }),
  };
  if (answer)
    return {
      description: 'Done.',
      headers,
      content: { 'application/json': { schema: schemaOf(answer, 'output') } },
    };
  if (mediaType) {
    const content = Object.fromEntries([mediaType, ...otherMediaTypes].map(type => [type, {}]));
    return { description: 'Done.', headers, content };
  }
  return { description: status === 204 ? 'Done; there is no body.' : 'Done.', headers };
}

/** A response for each status, with the codes that it may have. */
function problemResponses(codes: readonly ProblemCode[]): Json {
  const byStatus = Map.groupBy(codes, code => STATUS_OF[code]);
  return Object.fromEntries(
    [...byStatus]
      .sort(([a], [b]) => a - b)
      .map(([status, ofStatus]) => [
        status,
        {
          description: ofStatus.map(code => `\`${code}\``).join(', '),
          content: {
            'application/problem+json': {
              schema: {
                allOf: [{ $ref: '#/components/schemas/Problem' }],
                properties: { code: { enum: ofStatus } },
              },
            },
          },
        },
      ]),
  );
}

function parametersOf(schema: z.ZodType | undefined, where: 'path' | 'query'): Json[] {
  if (!schema) return [];
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...property }]) => ({
    name,
    in: where,
    required: where === 'path' || required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: property,
  }));
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}

/** The kinds of credential that a caller shows, any one of which will do. */
const SCHEMES: Record<Caller, readonly string[]> = {
  anybody: [],
  anybody_or_key: ['secureKey'],
  key: ['secureKey'],
  managing_key: ['secureKey'],
  order_secret: ['orderSecret'],
  account_or_order_secret: ['secureKey', 'orderSecret'],
  key_or_order_secret: ['secureKey', 'orderSecret'],
  anybody_or_holder: ['secureKey', 'orderSecret'],
  session: [],
  anybody_or_session: [],
  wallet_session: ['walletSession'],
  service: ['serviceToken'],
  service_or_key: ['serviceToken', 'secureKey'],
  operator: ['operatorToken'],
};

const OPTIONAL: ReadonlySet<Caller> = new Set(['anybody_or_key', 'anybody_or_holder', 'anybody_or_session']);

function securityOf(route: Route): Json[] {
  const schemes = [...SCHEMES[route.caller], ...(acceptsSession(route) ? ['session'] : [])];
  const named = schemes.map(scheme => ({ [scheme]: [] }));
  return OPTIONAL.has(route.caller) ? [{}, ...named] : named;
}

function securitySchemes(publicUrl: string): Json {
  const bearer = (description: string) => ({ type: 'http', scheme: 'bearer', description });
  return {
    secureKey: bearer('A customer’s Secure Key.'),
    session: {
      type: 'apiKey',
      in: 'cookie',
      name: sessionCookieName(publicUrl),
      description: 'The session that a browser got for a Secure Key.',
    },
    orderSecret: bearer('The secret that an order was answered with.'),
    walletSession: bearer(`Credential of a recovery: ${CALLERS.wallet_session}.`),
    serviceToken: bearer('The token of an AI service.'),
    operatorToken: bearer('The token of an operator.'),
  };
}
