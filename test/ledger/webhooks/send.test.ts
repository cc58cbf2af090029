/** Where messages may go and how an attempt ends, over real servers on loopback. */
import { createServer, type Server } from 'node:net';
import tls from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Address } from '../../../ledger/webhooks/address-rules.ts';
import { isLoopback, isPublic } from '../../../ledger/webhooks/address-rules.ts';
import { type Resolve, resolvePublicly, type SendRules, send } from '../../../ledger/webhooks/send.ts';
import { HOOK_CERTIFICATE, HOOK_KEY } from '../../support/hook-certificate.ts';
import { type Receiver, startReceiver } from '../../support/webhook-receiver.ts';

const address = (text: string): Address => ({ address: text, family: text.includes(':') ? 6 : 4 });
const resolvingTo =
  (...texts: string[]): Resolve =>
  async () =>
    texts.map(address);

let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.stop());

/** One attempt at `url`, in dev unless told otherwise. */
function attempt(url: string, rules: Partial<SendRules> = {}) {
  return send(
    { url, body: '{"a":1}', headers: { 'webhook-id': 'msg_1' } },
    { mode: 'dev', resolve: resolvePublicly, attemptMsMax: 10_000, ...rules },
  );
}

describe('addresses that nobody may send us to', () => {
  const REFUSED = [
    ...[
      '0.0.0.0',
      '10.0.0.1',
      '100.64.0.1',
      '100.127.255.255',
      '127.0.0.1',
      '127.255.0.1',
      '169.254.169.254',
    ],
    ...[
      '172.16.0.1',
      '172.31.255.255',
      '192.0.0.1',
      '192.0.2.1',
      '192.168.1.1',
      '198.18.0.1',
      '198.19.255.255',
    ],
    ...['198.51.100.7', '203.0.113.7', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255'],
    ...['::', '::1', '::ffff:127.0.0.1', '::ffff:8.8.8.8', '::ffff:a00:1', '::127.0.0.1', '64:ff9b::7f00:1'],
    ...['64:ff9b::808:808', '100::1', 'fc00::1', 'fd12:3456::1', 'fe80::1', 'fec0::1', 'ff02::1', '2001::1'],
    ...['2001:db8::1', '2002:7f00:1::', '2002:808:808::1', '3fff::1'],
  ];
  const PUBLIC = [
    ...['8.8.8.8', '1.1.1.1', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '172.15.255.255'],
    ...['172.32.0.0', '192.167.255.255', '192.169.0.0', '223.255.255.255', '2606:4700::1111', '2a00:1450::1'],
  ];

  test.each(REFUSED)('%s', async text => {
    expect(isPublic(address(text))).toBe(false);
    expect(
      await attempt(`https://hooks.example:${receiver.port}/`, { mode: 'live', resolve: resolvingTo(text) }),
    ).toEqual({ status: null, problem: 'address_refused' });
    expect(receiver.received).toEqual([]);
  });

  test.each(PUBLIC)('but %s', text => {
    expect(isPublic(address(text))).toBe(true);
  });

  test('one of several is enough', async () => {
    const resolve = resolvingTo('8.8.8.8', '10.0.0.1');
    expect(await attempt('https://hooks.example/', { mode: 'live', resolve })).toMatchObject({
      problem: 'address_refused',
    });
  });

  test.each([
    ...['https://127.0.0.1', 'https://0x7f.1', 'https://2130706433', 'https://0177.0.0.1', 'https://127.1'],
    ...['https://[::1]', 'https://[::ffff:127.0.0.1]', 'https://localhost', 'https://a.localhost'],
  ])('also written as %s', async url => {
    expect(await attempt(`${url}:${receiver.port}/`, { mode: 'live' })).toMatchObject({
      problem: 'address_refused',
    });
    expect(receiver.received).toEqual([]);
  });

  test('in development this machine is the exception, and nothing else', async () => {
    expect(await attempt(receiver.url)).toEqual({ status: 204, problem: null });
    expect(await attempt(`http://localhost:${receiver.port}/`)).toEqual({ status: 204, problem: null });
    for (const text of ['10.0.0.1', '169.254.169.254', '::ffff:127.0.0.1'])
      expect(await attempt(receiver.url, { resolve: resolvingTo(text) })).toMatchObject({
        problem: 'address_refused',
      });
    expect(isLoopback(address('::ffff:7f00:1'))).toBe(false);
  });
});

test('http is for this machine alone', async () => {
  expect(await attempt('http://hooks.example/', { resolve: resolvingTo('8.8.8.8') })).toEqual({
    status: null,
    problem: 'url_insecure',
  });
  expect(await attempt(receiver.url, { mode: 'live' })).toEqual({ status: null, problem: 'url_insecure' });
});

test('the connection goes to the address that was checked, whatever the name has become meanwhile', async () => {
  const looks: string[] = [];
  const answers = ['127.0.0.1', '10.0.0.1'];
  const resolve: Resolve = async hostname => {
    looks.push(hostname);
    return [address(answers[Math.min(looks.length, answers.length) - 1] ?? '')];
  };
  const url = `http://rebinding.example:${receiver.port}/hook`;
  expect(await attempt(url, { resolve })).toEqual({ status: 204, problem: null });
  expect(looks).toEqual(['rebinding.example']);
  expect(receiver.received[0]?.headers.host).toBe(`rebinding.example:${receiver.port}`);
  // Asked anew the next time, and checked anew.
  expect(await attempt(url, { resolve })).toEqual({ status: null, problem: 'address_refused' });
  expect(receiver.received).toHaveLength(1);
});

test('the message arrives byte for byte', async () => {
  await attempt(receiver.url);
  expect(receiver.received).toMatchObject([
    { path: '/hook', body: '{"a":1}', headers: { 'webhook-id': 'msg_1', 'content-length': '7' } },
  ]);
});

test.each([301, 302, 303, 307, 308])('a redirect (%i) is not followed', async status => {
  const elsewhere = await startReceiver();
  receiver.answer = response => void response.writeHead(status, { location: elsewhere.url }).end();
  expect(await attempt(receiver.url)).toEqual({ status, problem: 'redirected' });
  expect(elsewhere.received).toEqual([]);
  await elsewhere.stop();
});

test.each([400, 404, 410, 429, 500, 503])('%i is not accepted', async status => {
  receiver.answer = response => void response.writeHead(status).end('a secret of the server');
  expect(await attempt(receiver.url)).toEqual({ status, problem: 'not_accepted' });
});

describe('an answer', () => {
  test('that never begins takes as long as it may, and no longer', async () => {
    receiver.answer = () => {};
    expect(await attempt(receiver.url, { attemptMsMax: 200 })).toEqual({
      status: null,
      problem: 'timed_out',
    });
  });

  test('that never ends is told by its status', async () => {
    receiver.answer = response => void response.writeHead(200).write('and');
    expect(await attempt(receiver.url, { attemptMsMax: 500 })).toEqual({ status: 200, problem: null });
  });

  test('without end is not taken in', async () => {
    let sent = 0;
    receiver.answer = response => {
      const more = () => {
        if (response.destroyed) return;
        sent += 1;
        response.write(Buffer.alloc(16_384), () => setImmediate(more));
      };
      response.writeHead(200);
      more();
    };
    expect(await attempt(receiver.url)).toEqual({ status: 200, problem: null });
    const limit = sent;
    expect(limit).toBeLessThan(1000);
  });

  test('of too many headers is none', async () => {
    receiver.answer = response => void response.writeHead(200, { filler: 'x'.repeat(100_000) }).end();
    expect(await attempt(receiver.url)).toEqual({ status: null, problem: 'connection_failed' });
  });
});

describe('where nobody answers', () => {
  test('no connection', async () => {
    const { port } = receiver;
    await receiver.stop();
    receiver = await startReceiver();
    expect(await attempt(`http://127.0.0.1:${port}/`)).toEqual({
      status: null,
      problem: 'connection_failed',
    });
  });

  test('a connection that is closed at once', async () => {
    const server: Server = createServer(socket => void socket.destroy());
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    expect(await attempt(`http://127.0.0.1:${port}/`)).toEqual({
      status: null,
      problem: 'connection_failed',
    });
    server.close();
  });

  test('a name without an address, and a name server that does not answer', async () => {
    const lost: Resolve = () => Promise.reject(new Error('no such name'));
    expect(await attempt(receiver.url, { resolve: lost })).toEqual({
      status: null,
      problem: 'name_unresolved',
    });
    expect(await attempt(receiver.url, { resolve: resolvingTo() })).toMatchObject({
      problem: 'name_unresolved',
    });
    const silent: Resolve = () => new Promise(() => {});
    expect(await attempt(receiver.url, { resolve: silent, attemptMsMax: 100 })).toEqual({
      status: null,
      problem: 'timed_out',
    });
  });
});

describe('over TLS', () => {
  const resolve = resolvingTo('127.0.0.1');
  let secure: Receiver;
  beforeEach(async () => {
    secure = await startReceiver({ key: HOOK_KEY, cert: HOOK_CERTIFICATE });
  });
  afterEach(() => secure.stop());

  test('a certificate that nobody trusts is refused before anything is sent', async () => {
    const result = await attempt(`https://hooks.example:${secure.port}/`, { resolve });
    expect(result).toEqual({ status: null, problem: 'tls_failed' });
    expect(secure.received).toEqual([]);
  });

  test('the certificate must be for the name in the URL, not for the address that was pinned', async () => {
    const trusted = tls.getCACertificates('default');
    tls.setDefaultCACertificates([...trusted, HOOK_CERTIFICATE]);
    try {
      expect(await attempt(`https://hooks.example:${secure.port}/`, { resolve })).toEqual({
        status: 204,
        problem: null,
      });
      expect(await attempt(`https://other.example:${secure.port}/`, { resolve })).toEqual({
        status: null,
        problem: 'tls_failed',
      });
      expect(secure.received).toHaveLength(1);
    } finally {
      tls.setDefaultCACertificates(trusted);
    }
  });
});
