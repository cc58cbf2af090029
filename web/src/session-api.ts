/** Being signed in: a session in a cookie, which no script can read and which reads what the account has. */
import { type Api, ApiProblem, createApi, problemIn } from './api.ts';

const PATH = '/v1/session';

/** Who is signed in, and by which key; the session itself manages nothing. */
export interface SignedIn {
  readonly account: string;
  readonly number: number;
  readonly label: string | null;
  readonly last_four: string;
  readonly scope: 'manage' | 'spend';
  readonly created_at: string;
  readonly expires_at: string;
  /** On a `dev` stack payments are on a chain that no explorer knows. */
  readonly mode: 'dev' | 'live';
}

/** Exchanges a key for a session, in place of the one that this browser had. Throws ApiProblem. */
export async function openSession(secureKey: string): Promise<SignedIn> {
  return await ask<SignedIn>('POST', PATH, secureKey, { authorization: `Bearer ${secureKey}` });
}

/** Who is signed in in this browser. Throws ApiProblem with status 401 when the session has ended. */
export async function currentSession(): Promise<SignedIn | null> {
  return (await ask<{ session: SignedIn | null }>('GET', PATH, '')).session;
}

/** Signs out, for every tab of this browser. Throws ApiProblem. */
export async function endSession(): Promise<void> {
  await ask('DELETE', PATH, '').catch(error => {
    // It has ended already.
    if (!(error instanceof ApiProblem) || error.status !== 401) throw error;
  });
}

export interface SessionApiOptions {
  /** Tells problems of this session from those of an earlier one (ApiProblem.secureKey). */
  readonly name: string;
  /** Whose answers are taken, and no other's. */
  readonly account: string;
  /** The key, when something is to be changed. */
  readonly keyForChanges: () => Promise<string>;
  /** Another tab of this browser signed in to another account. */
  readonly onOtherAccount: () => void;
}

/** Reads by the session, and changes by the key. */
export function createSessionApi(options: SessionApiOptions): Api {
  const { name, account, keyForChanges, onOtherAccount } = options;
  return {
    async get<Answer>(path: string) {
      const response = await send('GET', path, name);
      const answerer = response.headers.get('credits-account');
      if (answerer !== null && answerer !== account) {
        onOtherAccount();
        throw new ApiProblem(0, 'other_account', 'This browser is signed in to another account.', name);
      }
      return await answerOf<Answer>(response, name);
    },
    send: async (method, path, body) => await createApi(await keyForChanges()).send(method, path, body),
  };
}

async function ask<Answer>(
  method: string,
  path: string,
  name: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return await answerOf<Answer>(await send(method, path, name, headers), name);
}

async function send(
  method: string,
  path: string,
  name: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  return await fetch(path, {
    method,
    headers,
    cache: 'no-store',
    credentials: 'same-origin',
    redirect: 'error',
  }).catch(() => {
    const detail = 'The server did not answer: check your connection and try again.';
    throw new ApiProblem(0, 'unreachable', detail, name);
  });
}

async function answerOf<Answer>(response: Response, name: string): Promise<Answer> {
  const text = await response.text();
  if (!response.ok) throw problemIn(response.status, text, name);
  return (text === '' ? undefined : JSON.parse(text)) as Answer;
}
