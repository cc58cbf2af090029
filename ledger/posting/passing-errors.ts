/** SQLSTATE classes and codes after which the same work may be tried again (PostgreSQL, appendix A). */
const PASSING_SQLSTATES = new Set([
  ...['40001', '40P01', '55P03'], // serialization, deadlock, lock not available
  ...['57P01', '57P02', '57P03', '57P05', '25P03', '53300'], // the server ends or refuses the session
  '25006', // read-only: a standby that is being promoted
]);
const CONNECTION_EXCEPTION_CLASS = '08';
const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/** pg's own errors for lost connections carry no code. */
const LOST_CONNECTION =
  /connection terminated|connection ended|not queryable|query read timeout|timeout expired|timeout exceeded when trying to connect/i;

/** Whether an error says something about the moment (a lost connection, a deadlock) rather than about the work. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof AggregateError && error.errors.some(isPassing)) return true;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return (
    PASSING_SQLSTATES.has(code) ||
    code.startsWith(CONNECTION_EXCEPTION_CLASS) ||
    NETWORK_CODES.has(code) ||
    LOST_CONNECTION.test(error.message)
  );
}
