/** The order page as the API serves it: it works under the strictest CSP and brings nothing from elsewhere. */
import { readdir } from 'node:fs/promises';
import vm from 'node:vm';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ApiUnderTest, startApi } from '../support/api.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.stop());

interface FakeElement {
  disabled?: boolean;
  textContent?: string;
  value: string;
  addEventListener(type: string, listener: (event: object) => void): void;
}

/** The script with as much of a browser as it takes to order. */
function openPage(script: string) {
  const elements = new Map<string, FakeElement>();
  const requests: { answer(status: number, body: unknown): void }[] = [];
  let submitted: (event: object) => void = () => {};
  const element = (id: string) => {
    const known = elements.get(id) ?? {
      value: '10',
      addEventListener(type: string, listener: (event: object) => void) {
        if (type === 'submit') submitted = listener;
      },
    };
    elements.set(id, known);
    return known;
  };
  vm.runInNewContext(script, {
    document: { getElementById: element },
    sessionStorage: { getItem: () => null },
    fetch: () =>
      new Promise(resolve => {
        requests.push({
          answer: (status, body) => resolve({ status, ok: status < 400, json: async () => body }),
        });
      }),
  });
  return { element, requests, submit: () => submitted({ preventDefault() {} }) };
}

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
    expect(csp).toContain("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'");
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
    expect(text).not.toMatch(/localStorage|document\.cookie|location\.(?:hash|search|href)|https?:\/\//);
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
    const { text } = await api.call('GET', '/order.js');
    const page = openPage(text);
    // As a browser has it: a form whose button is disabled is not submitted.
    const click = () => page.element('order').disabled !== true && page.submit();
    click();
    click();
    expect(page.requests).toHaveLength(1);
    page.requests[0]?.answer(503, { detail: 'try again', code: 'price_unavailable' });
    await vi.waitFor(() => expect(page.element('order').disabled).toBe(false), {
      timeout: 20_000,
      interval: 5,
    });
    expect(page.element('problem').textContent).toBe('try again');
    click();
    click();
    expect(page.requests).toHaveLength(2);
  });

  it('knows a word for every flag that an order can have', async () => {
    const { text } = await api.call('GET', '/order.js');
    for (const flag of ['late', 'price_pending', 'processing', 'reorged'])
      expect(text).toContain(`  ${flag}: '`);
  });

  it('is all that the folder gives away', async () => {
    for (const name of await readdir(new URL('../../web/', import.meta.url)))
      expect((await api.call('GET', `/${name}`)).status, name).toBe(200);
    for (const path of [
      '/web/',
      '/api/app.ts',
      '/package.json',
      '/../package.json',
      '/%2e%2e/package.json',
      '/.git',
    ])
      expect((await api.call('GET', path)).status, path).toBe(404);
  });
});
