/** The order page as the API serves it: it works under the strictest CSP and brings nothing from elsewhere. */
import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ApiUnderTest, startApi } from '../support/api.ts';
import { openPage } from '../support/page.ts';

const WAIT = { timeout: 60_000, interval: 20 };

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.stop());

describe('the order page', () => {
  it('is at the root, as HTML', async () => {
    const { status, headers, text } = await api.call('GET', '/');
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(text).toMatch(/^<!doctype html>/);
  });

  it('has no script and no style of its own, which its CSP would stop', async () => {
    const { headers, text } = await api.call('GET', '/');
    const csp = String(headers['content-security-policy']);
    expect(csp).toContain("default-src 'none';script-src 'self';style-src 'self';connect-src 'self'");
    expect(csp).not.toMatch(/unsafe|http|\*|data:/);
    const scripts = [...text.matchAll(/<script\b([^>]*)>([\s\S]*?)<\/script>/g)];
    expect(scripts.length).toBeGreaterThan(0);
    for (const [, attributes, content] of scripts) {
      expect(attributes).toMatch(/\bsrc="\/[\w.-]+"/);
      expect(content).toBe('');
    }
    expect(text).not.toMatch(/<style\b|\sstyle=|\son\w+=|javascript:|<iframe|<base\b|<meta http-equiv/i);
    // form-action 'none': the script submits.
    expect(text).not.toMatch(/<form[^>]*\saction=/i);
  });

  it('finds every file it asks for, of the right type, on this very host', async () => {
    const { text } = await api.call('GET', '/');
    const paths = [...text.matchAll(/\s(?:src|href)="([^"]+)"/g)].map(match => match[1] ?? '');
    expect(paths.length).toBeGreaterThan(1);
    for (const path of paths) {
      expect(path).toMatch(/^\/[\w.-]+$/);
      const { status, headers } = await api.call('GET', path);
      expect(status, path).toBe(200);
      expect(headers['content-type'], path).toMatch(
        path.endsWith('.css') ? /^text\/css/ : /^text\/javascript/,
      );
    }
  });

  it('never builds HTML out of text, runs text as code, or writes a secret where it stays', async () => {
    const { text } = await api.call('GET', '/order.js');
    expect(text).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function/);
    // What Stripe's page brings back in the address is read, and taken out of it.
    expect(text).not.toMatch(/localStorage|document\.cookie|location\.(?:hash|href)|location\.search\s*=/);
    expect(text).not.toMatch(/https?:\/\//);
  });

  it('shows where to pay as the API says it, whole, and no address that a sender could have chosen', async () => {
    const { text } = await api.call('GET', '/order.js');
    // Elsewhere no address is named, read or cut.
    expect(text.split('\n').filter(line => /address|sender|from_/i.test(line))).toEqual([
      "  element('address').textContent = order.payment.address;",
    ]);
  });

  it('names only elements that the page has', async () => {
    const [{ text: page }, { text: script }] = await Promise.all([
      api.call('GET', '/'),
      api.call('GET', '/order.js'),
    ]);
    const named = [...script.matchAll(/element\('([\w-]+)'\)/g)].map(match => match[1] ?? '');
    const ids = [...page.matchAll(/\sid="([\w-]+)"/g)].map(match => match[1] ?? '');
    expect(named.length).toBeGreaterThan(10);
    for (const id of named) expect(ids, id).toContain(id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('makes one order of a double click, and lets the buyer try again after a refusal', async () => {
    const asked: string[] = [];
    let answer = (_response: Response) => {};
    const page = await openPage(api.port, {
      fetch: (path, send) => {
        if (path !== '/v1/orders') return send();
        asked.push(path);
        return new Promise(resolve => {
          answer = resolve;
        });
      },
    });
    const click = () => page.submit('order-form', 'order');
    click();
    click();
    expect(asked).toHaveLength(1);
    const problem = { detail: 'try again', code: 'price_unavailable' };
    answer(new Response(JSON.stringify(problem), { status: 503 }));
    await vi.waitFor(() => expect(page.element('order').disabled).toBe(false), WAIT);
    expect(page.text('problem')).toBe('try again');
    click();
    click();
    expect(asked).toHaveLength(2);
    page.close();
  });

  it('offers no card where none is taken', async () => {
    expect((await api.call('GET', '/v1/payment-methods')).body).toMatchObject({ methods: ['eth'] });
    let hasAsked = false;
    const page = await openPage(api.port, {
      fetch: async (path, send) => {
        const response = await send();
        hasAsked ||= path === '/v1/payment-methods';
        return response;
      },
    });
    await vi.waitFor(() => expect(hasAsked).toBe(true), WAIT);
    expect([page.isShown('order'), page.isShown('order-card')]).toEqual([true, false]);
    page.close();
  });

  it('knows a word for every flag that an order can have', async () => {
    const { text } = await api.call('GET', '/order.js');
    for (const flag of [
      ...['late', 'price_pending', 'processing', 'reorged', 'kept_back'],
      ...['failed', 'refunded', 'disputed'],
    ])
      expect(text).toContain(`  ${flag}: '`);
  });

  it('is all that the folder gives away', async () => {
    for (const name of await readdir(new URL('../../web/order/', import.meta.url)))
      expect((await api.call('GET', `/${name}`)).status, name).toBe(200);
    for (const path of [
      '/web/',
      '/src/main.tsx',
      '/account.html',
      '/tsconfig.json',
      '/dist/made-of',
      '/api/app.ts',
      '/package.json',
      '/../package.json',
      '/%2e%2e/package.json',
      '/.git',
    ])
      expect((await api.call('GET', path)).status, path).toBe(404);
  });
});
