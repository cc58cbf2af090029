/** The HTTP server under the application: how much it takes, for how long, and what it says to who speaks no HTTP. */
import { createServer, type RequestListener, type Server, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { ProblemCode } from './contract/problem-codes.ts';
import { newRequestId, type ObservedRequest } from './observe-requests.ts';
import { Problem, problemJson } from './problem.ts';

/** Nobody needs longer than this to send a request. */
const REQUEST_MS_MAX = 10_000;
/** How often connections are looked at that take longer. */
const CHECK_MS = 1_000;
const HEADER_BYTES_MAX = 16 * 1024;
const CONNECTIONS_MAX = 10_000;

/** @param tell Is told of requests that were too broken to reach the application. */
export function createTransport(app: RequestListener, tell: (request: ObservedRequest) => void): Server {
  const server = createServer(
    {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: REQUEST_MS_MAX,
      requestTimeout: REQUEST_MS_MAX,
      connectionsCheckingInterval: CHECK_MS,
    },
    app,
  );
  server.maxConnections = CONNECTIONS_MAX;
  /** Connections on which an answer has begun: nothing can be said there any more. */
  const answering = new WeakSet<Socket>();
  server.on('request', ({ socket }, response) => {
    response.once('close', () => answering.delete(socket));
    answering.add(socket);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, stream) => {
    const socket = stream as Socket;
    const problem = transportProblem(error.code);
    const mayAnswer = error.code === 'ERR_HTTP_REQUEST_TIMEOUT' || !answering.has(socket);
    if (error.code === 'ECONNRESET' || !socket.writable || !mayAnswer) {
      socket.destroy();
      return;
    }
    const id = newRequestId();
    socket.end(rawAnswer(problem, id), () => socket.destroy());
    const { status, code } = problem;
    tell({ id, method: '-', route: null, status, seconds: 0, caller: null, code });
  });
  return server;
}

const PROBLEMS: { readonly [error: string]: [ProblemCode, string] } = {
  HPE_HEADER_OVERFLOW: [
    'headers_too_large',
    `The headers may have ${HEADER_BYTES_MAX} bytes at the most, with the address.`,
  ],
  ERR_HTTP_REQUEST_TIMEOUT: [
    'request_timeout',
    `The request had not come whole after ${REQUEST_MS_MAX / 1000} s: send it again.`,
  ],
};

function transportProblem(error: string | undefined): Problem {
  const [code, detail] = PROBLEMS[error ?? ''] ?? ['malformed_request', 'This is not valid HTTP/1.1.'];
  return new Problem(code, detail);
}

function rawAnswer(problem: Problem, requestId: string): string {
  const body = JSON.stringify(problemJson(problem, requestId));
  return [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    'Connection: close',
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    'X-Content-Type-Options: nosniff',
    `Request-Id: ${requestId}`,
    '',
    body,
  ].join('\r\n');
}
