/** A reader who stalls does not keep an export from the next. */
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import express from 'express';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { OneStream } from '../../api/one-stream.ts';

const PIECE = 'x'.repeat(1_000_000);
const PIECES = 100;

let server: Server;
let port: number;
let begun = false;
beforeAll(async () => {
  const exports = new OneStream(200);
  const app = express();
  // More than sockets take.
  app.get('/much', (_request, response) =>
    exports.stream(response, 'text/plain', async write => {
      begun = true;
      for (let piece = 0; piece < PIECES; piece += 1) await write(PIECE);
    }),
  );
  const patient = new OneStream();
  app.get('/read', (_request, response) =>
    patient.stream(response, 'text/plain', async write => {
      for (let piece = 0; piece < PIECES; piece += 1) await write(PIECE);
    }),
  );
  app.get('/little', (_request, response) => exports.stream(response, 'text/plain', write => write('all')));
  app.use(
    ((_error, _request, response, _next) => void response.status(503).end()) as express.ErrorRequestHandler,
  );
  server = createServer(app);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => {
  server?.closeAllConnections();
  server?.close();
});

const status = async (path: string) => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  await response.text();
  return response.status;
};

it('cuts off a reader who takes nothing', async () => {
  const stalled = connect(port, '127.0.0.1');
  try {
    stalled.on('error', () => {});
    await new Promise<void>(resolve => stalled.once('connect', resolve));
    stalled.pause();
    stalled.write('GET /much HTTP/1.1\r\nHost: here\r\n\r\n');
    await vi.waitFor(() => expect(begun).toBe(true), { timeout: 30_000 });
    await vi.waitFor(async () => expect(await status('/little')).toBe(200), { timeout: 30_000 });
  } finally {
    stalled.destroy();
  }
});

it('gives all of it to one who reads', async () => {
  const response = await fetch(`http://127.0.0.1:${port}/read`);
  expect((await response.text()).length).toBe(PIECE.length * PIECES);
});
