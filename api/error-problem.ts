/** Errors as problems, for the caller, and as lines, for the log. */
import { isPassing, OutcomeUnknownError, OverloadedError, SECRET_PREFIXES } from '../ledger/index.ts';
import { Problem } from './problem.ts';

/** What the caller is told of an error: of one that is neither theirs nor of the moment, nothing. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof OverloadedError) return new Problem('overloaded', 'Too much is waiting: try again.');
  if (error instanceof OutcomeUnknownError)
    return new Problem(
      'outcome_unknown',
      'It is not known whether this was carried out: ask again with the same Idempotency-Key.',
    );
  if (isPassing(error))
    return new Problem('temporarily_unavailable', 'The database is away: try again shortly.');
  return bodyProblem(error) ?? new Problem('internal_error', 'This is our fault. Quote the request id.');
}

/** What Express's body parser refuses is the caller's to mend. */
function bodyProblem(error: unknown): Problem | null {
  const type = error instanceof Error && 'type' in error ? error.type : null;
  const status = error instanceof Error && 'status' in error ? error.status : null;
  if (type === 'entity.too.large')
    return new Problem('request_too_large', `The body may have ${limitOf(error)} bytes at the most.`);
  if (type === 'entity.parse.failed') return new Problem('malformed_request', 'The body is not valid JSON.');
  if (type === 'charset.unsupported' || type === 'encoding.unsupported')
    return new Problem('unsupported_media_type', 'Send the body as UTF-8 JSON, not compressed otherwise.');
  if (typeof status === 'number' && status >= 400 && status < 500)
    return new Problem('malformed_request', 'The request could not be read.');
  return null;
}

/** The limit that the body parser was given. */
function limitOf(error: unknown): number | string {
  return error instanceof Error && 'limit' in error && typeof error.limit === 'number'
    ? error.limit
    : 'fewer';
}

const SECRETS = new RegExp(`\\b(${Object.values(SECRET_PREFIXES).join('|')})_\\w+`, 'g');

/** One line for the log, with all that is known of the error. @param what Names the request. */
export function problemLine(what: string, problem: Problem, error: unknown): string {
  const why = error instanceof Problem ? error.message : describe(error);
  return withoutSecrets(`${what} ${problem.status} ${problem.code}: ${why}`);
}

/** Whatever found its way into a line, no secret does. */
function withoutSecrets(line: string): string {
  return line.replaceAll(SECRETS, '$1_…');
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
