/** A WebSocket server for text messages (RFC 6455), as far as a stand-in on this machine needs one. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** By which a server proves that it has understood the handshake. */
const HANDSHAKE_ID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const TEXT = 1;
const CLOSE = 8;
const PING = 9;
const PONG = 10;
const FINAL = 0x80;

export interface Connection {
  send(text: string): void;
}

export interface WebSocketServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** @param onMessage Told each whole message of each connection. */
export async function startWebSocketServer(
  onMessage: (text: string, from: Connection) => void,
): Promise<WebSocketServer> {
  const sockets = new Set<Socket>();
  const server = createServer((_request, response) => response.writeHead(426).end());
  server.on('upgrade', (request, stream) => {
    const socket = stream as Socket;
    const key = createHash('sha1').update(`${request.headers['sec-websocket-key']}${HANDSHAKE_ID}`);
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        `Sec-WebSocket-Accept: ${key.digest('base64')}\r\n\r\n`,
    );
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    const connection: Connection = {
      send: text => {
        if (socket.writable) socket.write(frame(TEXT, Buffer.from(text)));
      },
    };
    const parts: Buffer[] = [];
    const take = ({ opcode, isFinal, payload }: Frame) => {
      if (opcode === CLOSE) socket.end(frame(CLOSE, Buffer.alloc(0)));
      if (opcode === PING) socket.write(frame(PONG, payload));
      if (opcode > TEXT) return;
      parts.push(payload);
      if (isFinal) onMessage(Buffer.concat(parts.splice(0)).toString(), connection);
    };
    let unread: Buffer = Buffer.alloc(0);
    socket.on('data', bytes => {
      unread = Buffer.concat([unread, bytes]);
      for (let read = readFrame(unread); read !== null; read = readFrame(unread)) {
        unread = unread.subarray(read.length);
        take(read);
      }
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

/** What a server sends: unmasked. */
function frame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = FINAL | opcode;
  if (length < 126) head[1] = length;
  else if (length < 65_536) {
    head[1] = 126;
    head.writeUInt16BE(length, 2);
  } else {
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  return Buffer.concat([head, payload]);
}

interface Frame {
  readonly opcode: number;
  readonly isFinal: boolean;
  readonly payload: Buffer;
  /** Of all of it. */
  readonly length: number;
}

/** The first frame of what a client sent, which is masked; null while it is not whole. */
function readFrame(bytes: Buffer): Frame | null {
  const [first, second] = bytes;
  if (first === undefined || second === undefined) return null;
  const short = second & 0x7f;
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const payloadAt = 2 + lengthBytes + 4;
  if (bytes.length < payloadAt) return null;
  const size = lengthBytes === 0 ? short : Number(`0x${bytes.subarray(2, 2 + lengthBytes).toString('hex')}`);
  const length = payloadAt + size;
  if (bytes.length < length) return null;
  const mask = bytes.subarray(payloadAt - 4, payloadAt);
  const masked = bytes.subarray(payloadAt, length);
  const payload = Buffer.from(masked.map((byte, index) => byte ^ (mask[index % 4] ?? 0)));
  return { opcode: first & 0x0f, isFinal: (first & FINAL) !== 0, payload, length };
}
