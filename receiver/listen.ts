/** Binding a listener, with an error that says which setting to change. */
import type { AddressInfo, Server } from 'node:net';

/** Listens and answers the bound port (0 asks the system for a free one). Throws with a reason a person can act on. */
export function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(new Error(bindFailure(error, host, port))));
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

/** What went wrong while binding, and what to do. */
export function bindFailure(error: NodeJS.ErrnoException, host: string, port: number): string {
  const reasons: Record<string, string> = {
    EADDRINUSE: 'another program listens there: stop it, or choose another port with POSTHOUSE_…_PORT',
    EACCES: 'this user may not bind it: ports below 1024 need CAP_NET_BIND_SERVICE',
    EADDRNOTAVAIL: 'this machine has no such address: check POSTHOUSE_LISTEN',
  };
  return `cannot listen on ${host}:${port}: ${reasons[error.code ?? ''] ?? error.message}`;
}
