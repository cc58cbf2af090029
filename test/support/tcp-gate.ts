import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';

/** A way to a TCP server that can be cut and mended. */
export interface TcpGate {
  readonly port: number;
  /** Cuts every connection, and each new one at once whose first bytes match; all of them without a pattern. */
  cut(pattern?: RegExp): void;
  /** Lets new connections through again. */
  mend(): void;
  /** Nobody listens any more. */
  stop(): Promise<void>;
}

/** Opens a gate before the server of `url` and returns the URL that leads through it. */
export async function openGate(url: string): Promise<{ gate: TcpGate; url: string }> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let cut: RegExp | null = null;
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    return socket;
  };
  const server = createServer(incoming => {
    keep(incoming);
    incoming.once('data', first => {
      if (cut?.test(first.toString('latin1'))) {
        incoming.destroy();
        return;
      }
      const outgoing = keep(connect(Number(target.port), target.hostname));
      outgoing.write(first);
      incoming.pipe(outgoing).pipe(incoming);
      incoming.on('close', () => outgoing.destroy());
      outgoing.on('close', () => incoming.destroy());
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const destroyAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  const through = new URL(url);
  through.hostname = '127.0.0.1';
  through.port = String(port);
  return {
    url: through.href,
    gate: {
      port,
      cut(pattern = /^/) {
        cut = pattern;
        destroyAll();
      },
      mend() {
        cut = null;
      },
      async stop() {
        const closed = new Promise<void>(resolve => server.close(() => resolve()));
        destroyAll();
        await closed;
      },
    },
  };
}
