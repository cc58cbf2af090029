/** Visits of pages in a real Chromium: what they complained of, and what they asked for. */
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { expect } from 'vitest';

export const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true } as const;

/** How pages are looked at. */
export const LOOKS: readonly (readonly [name: string, options: BrowserContextOptions])[] = [
  ['desktop-light', { colorScheme: 'light' }],
  ['desktop-dark', { colorScheme: 'dark' }],
  ['phone-light', { ...PHONE, colorScheme: 'light' }],
  ['phone-dark', { ...PHONE, colorScheme: 'dark' }],
];

export class Visits {
  /** What pages complained of: a script that threw, a file or a style that the CSP stopped. */
  readonly complaints: string[] = [];
  /** What pages asked of the API, such as "POST /v1/orders". */
  readonly asked: string[] = [];
  /** Every address that pages asked for, with what stands behind its question mark. */
  readonly addresses: string[] = [];
  readonly #browser: Browser;

  constructor(browser: Browser) {
    this.#browser = browser;
  }

  /** A new browser for one person: nothing is remembered of others. */
  async person(options: BrowserContextOptions = {}): Promise<BrowserContext> {
    const context = await this.#browser.newContext({ locale: 'en-GB', timezoneId: 'UTC', ...options });
    context.setDefaultTimeout(90_000);
    return context;
  }

  /** A page in a new tab of a person, which is a new one where none is given. */
  async open(url: string, options: BrowserContextOptions | BrowserContext = {}): Promise<Page> {
    const page = await this.tab(options);
    await page.goto(url);
    return page;
  }

  /** An empty tab, to prepare it before it opens a page. */
  async tab(options: BrowserContextOptions | BrowserContext = {}): Promise<Page> {
    const context = 'newPage' in options ? options : await this.person(options);
    const page = await context.newPage();
    page.on('pageerror', error => this.complaints.push(error.message));
    page.on('console', message => {
      // The browser says of every answer that is an error that it is one; those are the API's to tell.
      if (message.type() === 'error' && !/the server responded with a status/.test(message.text()))
        this.complaints.push(message.text());
    });
    page.on('request', request => {
      const asked = new URL(request.url());
      this.addresses.push(request.url());
      // A page's own questions: where it leads to, such as Stripe's pages, is no question.
      if (request.resourceType() === 'fetch' && asked.pathname.startsWith('/v1/'))
        this.asked.push(`${request.method()} ${asked.pathname}`);
    });
    return page;
  }

  /** How often something was asked. */
  count(asked: string): number {
    return this.asked.filter(one => one === asked).length;
  }

  /** Closes all, and throws when any page complained. */
  async end(): Promise<void> {
    for (const context of this.#browser.contexts()) await context.close();
    this.asked.length = 0;
    this.addresses.length = 0;
    expect(this.complaints.splice(0)).toEqual([]);
  }
}
