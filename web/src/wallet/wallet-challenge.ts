/** The API's doors for wallets, as pages go through them. */
import { ApiProblem, problemIn } from '../api.ts';

export interface Challenge {
  readonly message: string;
  readonly expires_at: string;
  /** Of a recovery: its second step is asked for with it. */
  readonly session?: string;
}

/** POST in JSON, with `secret` in a header. Throws ApiProblem in the API's own words. */
export async function postTo<Answer>(path: string, body: object, secret: string | null): Promise<Answer> {
  const response = await fetch(path, {
    method: 'POST',
    cache: 'no-store',
    credentials: 'omit',
    redirect: 'error',
    headers: {
      'content-type': 'application/json',
      ...(secret === null ? {} : { authorization: `Bearer ${secret}` }),
    },
    body: JSON.stringify(body),
  }).catch(() => {
    throw new ApiProblem(
      0,
      'unreachable',
      'The server did not answer: check your connection and try again.',
      '',
    );
  });
  const text = await response.text();
  if (!response.ok) throw problemIn(response.status, text, '');
  return JSON.parse(text) as Answer;
}
