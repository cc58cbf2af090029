/** How the API serves what was built: nothing inline, hashed files for ever, and a word where there is no build. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
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

const ASSETS = fileURLToPath(new URL('../../web/dist/assets/', import.meta.url));

/** What only wallets' code says: of viem, wagmi and WalletConnect. */
const OF_WALLETS = /eip6963|eth_sendTransaction|wallet_switchEthereumChain|walletconnect/i;

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.stop());

/** The files that a page loads at first, as its HTML names them. */
async function firstFiles(path: string): Promise<string[]> {
  const { text } = await api.call('GET', path);
  return [...text.matchAll(/\s(?:src|href)="(\/assets\/[^"]+)"/g)].map(match => match[1] ?? '');
}

/** Those, and all that they can ever ask for. */
async function reachableFiles(path: string): Promise<string[]> {
  const names = await readdir(ASSETS);
  const reached = new Set((await firstFiles(path)).map(file => file.slice('/assets/'.length)));
  // Grows while it is gone through.
  for (const name of reached) {
    const text = await readFile(join(ASSETS, name), 'utf8');
    for (const other of names) if (text.includes(other)) reached.add(other);
  }
  return [...reached];
}

describe.each(['/', '/key', '/account', '/recover'])('the page at %s', path => {
  it('asks for its own files only, which never change', async () => {
    const { status, headers, text } = await api.call('GET', path);
    expect(status).toBe(200);
    expect(text).toMatch(/^<!doctype html>/);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['cache-control']).toBe('no-cache');
    const csp = String(headers['content-security-policy']);
    expect(csp).toContain("default-src 'none';script-src 'self';style-src 'self';connect-src 'self'");
    expect(csp).not.toMatch(/unsafe|http|\*|data:/);
    expect(text).not.toMatch(/<style\b|\sstyle=|\son\w+=|javascript:|<iframe|<base\b|<meta http-equiv/i);
    for (const [, attributes, content] of text.matchAll(/<script\b([^>]*)>([\s\S]*?)<\/script>/g)) {
      expect(attributes).toMatch(/\bsrc="\/assets\/[\w.-]+"/);
      expect(content).toBe('');
    }
    const paths = [...text.matchAll(/\s(?:src|href)="([^"]+)"/g)].map(match => match[1] ?? '');
    expect(paths.length).toBeGreaterThan(1);
    for (const file of paths) {
      expect(file).toMatch(/^\/assets\/[\w-]+-[\w-]{8}\.(?:js|css)$/);
      const answer = await api.call('GET', file);
      expect(answer.status, file).toBe(200);
      expect(answer.headers['content-type']).toMatch(
        file.endsWith('.css') ? /^text\/css/ : /^text\/javascript/,
      );
      expect(answer.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    }
  });
});

it('the buy page weighs little when it is loaded first: wallets come when somebody pays by one', async () => {
  let bytes = 0;
  for (const file of await firstFiles('/')) {
    const { text } = await api.call('GET', file);
    expect(text, file).not.toMatch(/eip6963:requestProvider|wallet_switchEthereumChain/);
    bytes += gzipSync(text).length;
  }
  expect(bytes).toBeGreaterThan(10_000);
  expect(bytes).toBeLessThan(FIRST_LOAD_BYTES_MAX);
});

describe('code of wallets', () => {
  const isOfWallets = async (files: readonly string[]) => {
    const texts = await Promise.all(files.map(file => readFile(join(ASSETS, file), 'utf8')));
    return texts.some(text => OF_WALLETS.test(text));
  };

  it('is within reach of the pages that pay and recover', async () => {
    for (const path of ['/', '/recover'])
      expect(await isOfWallets(await reachableFiles(path)), path).toBe(true);
  });

  it('is out of reach of the pages that show a key', async () => {
    for (const path of ['/key', '/account']) {
      const files = await reachableFiles(path);
      expect(files.length, path).toBeGreaterThan(1);
      expect(await isOfWallets(files), path).toBe(false);
    }
  });
});

it('never builds HTML out of text in what we wrote, or writes a secret where it stays', async () => {
  const folder = fileURLToPath(new URL('../../web/src/', import.meta.url));
  for (const name of await readdir(folder, { recursive: true })) {
    if (!/\.tsx?$/.test(name)) continue;
    const text = await readFile(join(folder, name), 'utf8');
    expect(text, name).not.toMatch(
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|localStorage|document\.cookie/,
    );
    // What Stripe's page brings back in the address is read, and taken out of it; nothing is put into it.
    expect(text, name).not.toMatch(/location\.(?:hash|search)\s*=[^=]/);
  }
});

it('has no other files to give', async () => {
  for (const path of [
    ...['/assets/', '/assets/account.js', '/assets/..%2fmade-of', '/index.html', '/account.html'],
    ...['/web/', '/src/buy/main.tsx', '/tsconfig.json', '/dist/made-of', '/made-of', '/api/app.ts'],
    ...['/package.json', '/../package.json', '/%2e%2e/package.json', '/.git'],
  ])
    expect((await api.call('GET', path)).status, path).toBe(404);
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
    for (const path of ['/', '/key', '/account'])
      expect((await send(port, path)).text).toContain('npm run build:pages');
  } finally {
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
});
