/** How the API serves what was built: nothing inline, hashed files for ever, and a word where there is no build. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import express from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pageRoutes } from '../../api/pages.ts';
import { buildPages } from '../../dev/build-pages.ts';
import { freePort } from '../../dev/free-port.ts';
import { type ApiUnderTest, startApi } from '../support/api.ts';
import { send } from '../support/http.ts';

/** What a page may weigh when it is loaded first, compressed. */
const FIRST_LOAD_BYTES_MAX = 200_000;

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.stop());

describe('the account page', () => {
  it('asks for its own files only, which never change', async () => {
    const { status, headers, text } = await api.call('GET', '/account');
    expect(status).toBe(200);
    expect(headers['cache-control']).toBe('no-cache');
    const csp = String(headers['content-security-policy']);
    expect(csp).toContain("default-src 'none';script-src 'self';style-src 'self';connect-src 'self'");
    expect(csp).not.toMatch(/unsafe|http|\*|data:/);
    expect(text).not.toMatch(/<style\b|\sstyle=|\son\w+=|javascript:|<iframe|<base\b|<meta http-equiv/i);
    const paths = [...text.matchAll(/\s(?:src|href)="([^"]+)"/g)].map(match => match[1] ?? '');
    expect(paths.length).toBe(2);
    let bytes = 0;
    for (const path of paths) {
      expect(path).toMatch(/^\/assets\/account-[\w-]{8}\.(?:js|css)$/);
      const file = await api.call('GET', path);
      expect(file.status).toBe(200);
      expect(file.headers['cache-control']).toBe('public, max-age=31536000, immutable');
      bytes += gzipSync(file.text).length;
    }
    expect(bytes).toBeLessThan(FIRST_LOAD_BYTES_MAX);
  });

  it('has no other files to give', async () => {
    for (const path of ['/assets/', '/assets/account.js', '/assets/..%2fmade-of', '/account.html'])
      expect((await api.call('GET', path)).status, path).toBe(404);
  });
});

it('is not built again while its sources are the same', async () => {
  expect(await buildPages()).toBe('fresh');
});

it('says what to do where it was not built', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'credits-pages-'));
  const app = express().use(pageRoutes(folder));
  app.use(((error, _request, response, _next) => {
    response.status(404).send(String(error.message));
  }) as express.ErrorRequestHandler);
  const port = await freePort();
  const server = app.listen(port, '127.0.0.1');
  try {
    expect((await send(port, '/account')).text).toContain('npm run build:pages');
  } finally {
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
});
