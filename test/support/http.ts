import { type Agent, type IncomingHttpHeaders, request } from 'node:http';

export interface Sent {
  readonly method?: string;
  /** An array sends the header several times. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
  readonly agent?: Agent;
  /** Leaves as soon as this has come: of a stream that does not end. */
  readonly until?: RegExp;
}

export interface Answer<Body> {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** What the text is as JSON; undefined when it is none. */
  readonly body: Body;
}

/** Any answer that is an object: tests compare whole members. */
export type AnyBody = Readonly<Record<string, unknown>>;

/** Sends exactly what it is given, a strange Host or two equal headers included, which fetch would not. */
export async function send<Body = AnyBody>(
  port: number,
  path: string,
  { method = 'GET', headers = {}, body, agent, until }: Sent = {},
): Promise<Answer<Body>> {
  return await new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port,
        path,
        method,
        headers: headers as Record<string, string | string[]>,
        ...(agent ? { agent } : {}),
      },
      incoming => {
        let text = '';
        const answer = () =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            text,
            body: jsonOf(text) as Body,
          });
        incoming.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
          if (!until?.test(text)) return;
          answer();
          incoming.destroy();
        });
        incoming.on('error', reject).on('end', answer);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
