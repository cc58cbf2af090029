import type { IncomingHttpHeaders } from 'node:http';
import type { ApiUnderTest, Call, Customer } from './api.ts';

/** Opens a session for a key. Returns the cookie, as a browser sends it. */
export async function signIn(
  api: Pick<ApiUnderTest, 'call'>,
  { secureKey }: Pick<Customer, 'secureKey'>,
  call: Call = {},
): Promise<string> {
  const { status, headers, text } = await api.call('POST', '/v1/session', { bearer: secureKey, ...call });
  if (status !== 201) throw new Error(`nobody was signed in: ${text}`);
  return cookieIn(headers);
}

/** What an answer has a browser keep, without how long and for what. */
export function cookieIn(headers: IncomingHttpHeaders): string {
  return headers['set-cookie']?.[0]?.split(';')[0] ?? '';
}
