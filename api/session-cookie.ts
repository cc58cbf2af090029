/** The cookie in which a browser keeps its session, and when it counts. */
import type { CookieOptions, Request, Response } from 'express';
import { Problem } from './problem.ts';

/** The name of the cookie where the API is known as `publicUrl`: over https, one that no other host can set. */
export function sessionCookieName(publicUrl: string): string {
  return isSecure(publicUrl) ? '__Host-credits_session' : 'credits_session';
}

export class SessionCookie {
  readonly name: string;
  readonly #publicUrl: string;
  readonly #options: CookieOptions;

  constructor(publicUrl: string) {
    this.name = sessionCookieName(publicUrl);
    this.#publicUrl = publicUrl;
    this.#options = { httpOnly: true, sameSite: 'strict', path: '/', secure: isSecure(publicUrl) };
  }

  /** @param lifeMs How long the browser is to keep it. */
  set(response: Response, secret: string, lifeMs: number): void {
    response.cookie(this.name, secret, { ...this.#options, maxAge: lifeMs });
  }

  clear(response: Response): void {
    response.clearCookie(this.name, this.#options);
  }

  /** What the cookie holds; null without one. */
  secretIn(request: Request): string | null {
    for (const pair of request.get('cookie')?.split(';') ?? []) {
      const [name, ...value] = pair.split('=');
      if (name?.trim() === this.name) return value.join('=').trim();
    }
    return null;
  }

  /**
   * The same, for a request that it may speak for. Throws a Problem when the request comes from another site: browsers
   * say from where, so that no other page can ask for anything in the name of whoever is signed in here.
   */
  read(request: Request): string | null {
    const secret = this.secretIn(request);
    if (secret === null || this.#isOwn(request)) return secret;
    throw new Problem(
      'cross_site',
      `A session counts only for what the pages at ${this.#publicUrl} ask for: send a Secure Key instead.`,
    );
  }

  #isOwn(request: Request): boolean {
    const site = request.get('sec-fetch-site');
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    // Of its own accord, such as an address that somebody typed.
    if (site !== undefined) return site === 'same-origin' || (isRead && site === 'none');
    const origin = request.get('origin');
    // What is not from a page may read: nobody else sees the answer.
    if (origin === undefined) return isRead;
    // Under one of the names of this API, which was compared before.
    return origin === `${new URL(this.#publicUrl).protocol}//${request.get('host')}`;
  }
}

function isSecure(publicUrl: string): boolean {
  return new URL(publicUrl).protocol === 'https:';
}

/** As the application has it. */
export function sessionCookieOf(request: Request): SessionCookie {
  return request.app.locals.sessionCookie as SessionCookie;
}
