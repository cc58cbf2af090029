/** Whatever went wrong, as the problem that is answered, and what the log has of it. */
import type { ErrorRequestHandler } from 'express';
import { isPassing, OutcomeUnknownError, OverloadedError, SECRET_PREFIXES } from '../ledger/index.ts';
import type { Route } from './contract/route.ts';
import { Problem, sendProblem } from './problem.ts';

export function answerErrors(log: (line: string) => void): ErrorRequestHandler {
  // Express knows an error handler by its four parameters.
  return (error: unknown, request, response, _next) => {
    const requestId = String(response.locals.requestId);
    const problem = problemOf(error);
    if (problem.status >= 500) {
      // Not the path: somebody may have put anything into it.
      const path = (response.locals.route as Route | undefined)?.path ?? '-';
      log(problemLine(`${requestId} ${request.method} ${path}`, problem, error));
    }
    // An answer that has begun is cut off, so that its reader notices.
    if (response.headersSent) response.destroy();
    else sendProblem(response, problem, requestId);
  };
}

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
  if (!(error instanceof Error)) return null;
  const { type, status, limit } = error as { type?: unknown; status?: unknown; limit?: unknown };
  if (type === 'entity.too.large')
    return new Problem('request_too_large', `The body may have ${String(limit)} bytes at the most.`);
  if (type === 'entity.parse.failed') return new Problem('malformed_request', 'The body is not valid JSON.');
  if (type === 'charset.unsupported' || type === 'encoding.unsupported')
    return new Problem('unsupported_media_type', 'Send the body as UTF-8 JSON, not compressed otherwise.');
  if (typeof status === 'number' && status >= 400 && status < 500)
    return new Problem('malformed_request', 'The request could not be read.');
  return null;
}

const SECRETS = new RegExp(`\\b(${[...Object.values(SECRET_PREFIXES), 'whsec'].join('|')})_[\\w+/=]+`, 'g');

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
