/** Reading what a caller sent: credentials from headers, bodies by their schema. */
import type { Request, RequestHandler } from 'express';
import type { z } from 'zod';
import { idempotencyKey } from './contract/fields.ts';
import { Problem } from './problem.ts';

/** The body as `schema` has it. Throws a Problem that names the first field at fault. */
export function readBody<Schema extends z.ZodType>(schema: Schema, request: Request): z.output<Schema> {
  if (request.body === undefined)
    throw new Problem(
      'unsupported_media_type',
      'Send a JSON object with the header Content-Type: application/json.',
    );
  return readValue(schema, request.body);
}

/** `value`, which came as JSON, as `schema` has it. Throws as readBody does. */
export function readValue<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalid(result.error);
}

/** What stands behind the question mark of the address, as `schema` has it. Throws as readBody does. */
export function readQuery<Schema extends z.ZodType>(schema: Schema, request: Request): z.output<Schema> {
  const result = schema.safeParse(request.query);
  if (result.success) return result.data;
  throw invalid(result.error);
}

/**
 * The variables of the path, as `schema` has them. Throws a Problem of a path at which there is nothing: what cannot be
 * an id is none.
 */
export function readParams<Schema extends z.ZodType>(schema: Schema, request: Request): z.output<Schema> {
  const result = schema.safeParse(request.params);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new Problem(
    'not_found',
    `There is nothing at this address: "${issue?.path.join('.')}" ${issue?.message}.`,
  );
}

function invalid({ issues: [issue] }: z.ZodError): Problem {
  if (!issue) return new Problem('malformed_request', 'The request is not what this route takes.');
  if (issue.code === 'unrecognized_keys') {
    const field = issue.keys[0] ?? '';
    return new Problem('invalid_field', `There is no field "${field}" here: leave it out.`, { field });
  }
  const field = issue.path.join('.');
  if (field === '') return new Problem('malformed_request', 'The body must be a JSON object.');
  return new Problem('invalid_field', `"${field}" ${issue.message}.`, { field });
}

/** The credential in `Authorization: Bearer …`. @param what Names it in the problem, such as "a service token". */
export function readBearer(request: Request, what: string): string {
  const header = request.get('authorization');
  if (header === undefined)
    throw new Problem('credential_missing', `Send ${what} in the header Authorization: Bearer <…>.`);
  const match = /^Bearer +([\x21-\x7e]{1,200})$/i.exec(header);
  if (!match?.[1])
    throw new Problem('credential_invalid', `The header Authorization must be "Bearer" and ${what}.`);
  return match[1];
}

/** Answers a method that a known path does not have. @param methods Those that it has. */
export function onlyMethods(...methods: readonly string[]): RequestHandler {
  return (request, response) => {
    response.set('Allow', methods.join(', '));
    throw new Problem(
      'method_not_allowed',
      `${request.method} is not for this address: use ${methods.join(' or ')}.`,
    );
  };
}

/** The header Idempotency-Key, which makes it safe to ask again. */
export function readIdempotencyKey(request: Request): string {
  const header = request.get('idempotency-key');
  if (header === undefined)
    throw new Problem(
      'idempotency_key_missing',
      'Send a header Idempotency-Key that is new for each debit and the same when you try one again.',
    );
  const result = idempotencyKey.safeParse(header);
  if (result.success) return result.data;
  throw new Problem(
    'invalid_field',
    `The header Idempotency-Key ${result.error.issues[0]?.message ?? 'is invalid'}.`,
    { field: 'Idempotency-Key' },
  );
}
