import { createServer } from 'node:net';

/**
 * A TCP port on 127.0.0.1 that nobody listened on a moment ago. The system does not hand the same port out
 * again soon, but another process may still take it before the caller does.
 */
export async function freePort(): Promise<number> {
  return await listenOnce(0);
}

/**
 * Makes sure that a server can listen on a port of 127.0.0.1.
 *
 * @param name what the port is for, as the message begins with it
 * @throws one sentence when the port is taken. Without this look a stranger's answer on the port would pass for
 * the readiness of a server that is still about to fail.
 */
export async function assertPortFree(port: number, name: string): Promise<void> {
  try {
    await listenOnce(port);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const reason =
      code === 'EADDRINUSE' ? 'is taken by another program' : `cannot be used (${code ?? error})`;
    throw new Error(`${name} cannot start: port ${port} on 127.0.0.1 ${reason}; choose another port.`, {
      cause: error,
    });
  }
}

async function listenOnce(port: number): Promise<number> {
  const server = createServer();
  return await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === 'string')
          reject(new Error('The system gave no TCP port.'));
        else resolve(address.port);
      });
    });
  });
}
