import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';

/** A way to a TCP server that can be cut and mended. */
export interface TcpGate {
  readonly port: number;
  /** How many new connections met the cut. */
  readonly refused: number;
  /** Cuts the connections whose first bytes match, and each new one; all of them without a pattern. */
  cut(pattern?: RegExp): void;
  /** Lets new connections through again. */
  mend(): void;
  /** Nobody listens any more. */
  stop(): Promise<void>;
}

/** Opens a gate before the server of `url` and returns the URL that leads through it. */
export async function openGate(url: string): Promise<{ gate: TcpGate; url: string }> {
  const target = new URL(url);
  /** Each connection with its first bytes. */
  const connections = new Map<Socket, string>();
  let cut: RegExp | null = null;
  let refused = 0;
  const server = createServer(incoming => {
    connections.set(incoming, '');
    incoming.on('error', () => incoming.destroy()).on('close', () => connections.delete(incoming));
    incoming.once('data', first => {
      const begins = first.toString('latin1');
      connections.set(incoming, begins);
      if (cut?.test(begins)) {
        refused += 1;
        incoming.destroy();
        return;
      }
      const outgoing = connect(Number(target.port), target.hostname);
      outgoing.on('error', () => outgoing.destroy());
      outgoing.write(first);
      incoming.pipe(outgoing).pipe(incoming);
      incoming.on('close', () => outgoing.destroy());
      outgoing.on('close', () => incoming.destroy());
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const destroy = (pattern: RegExp) => {
    for (const [socket, begins] of connections) if (pattern.test(begins)) socket.destroy();
  };
  const through = new URL(url);
  through.hostname = '127.0.0.1';
  through.port = String(port);
  return {
    url: through.href,
    gate: {
      port,
      get refused() {
        return refused;
      },
      cut(pattern = /^/) {
        cut = pattern;
        destroy(pattern);
      },
      mend() {
        cut = null;
      },
      async stop() {
        const closed = new Promise<void>(resolve => server.close(() => resolve()));
        destroy(/^/);
        await closed;
      },
    },
  };
}
