/** A customer's server: takes messages over real HTTP and checks them as the specification tells receivers to. */
import { createServer, type IncomingHttpHeaders, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Receiver {
  readonly port: number;
  readonly url: string;
  readonly received: readonly Received[];
  /** How the next messages are answered; 204 when left alone. */
  answer: (response: ServerResponse, received: Received) => void;
  /** Parsed, in the order of arrival. */
  bodies(): { type: string; timestamp: string; data: Record<string, unknown> }[];
  stop(): Promise<void>;
}

/** @param tls A key and a certificate; plain HTTP without. */
export async function startReceiver(tls?: { key: string; cert: string }): Promise<Receiver> {
  const received: Received[] = [];
  const listener: RequestListener = (request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      const message = { path: request.url ?? '', headers: request.headers, body };
      received.push(message);
      receiver.answer(response, message);
    });
  };
  const server = tls ? createTlsServer(tls, listener) : createServer(listener);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const receiver: Receiver = {
    port,
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}/hook`,
    received,
    answer: response => void response.writeHead(204).end(),
    bodies: () => received.map(({ body }) => JSON.parse(body)),
    async stop() {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
  return receiver;
}

/**
 * Whether a message is ours, by the words of the specification: "the signature scheme is HMAC-SHA256", the content is
 * "the id, timestamp and payload, joined by full stops", the secret is "base64 encoded, and prefixed with whsec_", and the
 * header is "a space delimited list of signatures" of which each is "v1," and base64. With Web Crypto, which the product
 * does not sign with.
 */
export async function isSignedWith(
  secret: string,
  { headers, body }: Pick<Received, 'headers' | 'body'>,
): Promise<boolean> {
  const content = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  const bytes = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const key = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, [
    'verify',
  ]);
  const signatures = String(headers['webhook-signature']).split(' ');
  const verdicts = await Promise.all(
    signatures.map(async text => {
      const [version, signature = ''] = text.split(',');
      return (
        version === 'v1' &&
        (await crypto.subtle.verify(
          'HMAC',
          key,
          Buffer.from(signature, 'base64'),
          new TextEncoder().encode(content),
        ))
      );
    }),
  );
  return verdicts.includes(true);
}
