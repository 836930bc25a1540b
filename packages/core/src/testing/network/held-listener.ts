import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';

export interface ListenAddress {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

/**
 * A TCP listener that can go and come back at its port, which stays its own meanwhile: a connection to
 * itself, made before it goes, keeps the system from giving the port to anybody else.
 */
export class HeldListener {
  readonly #host: string;
  readonly #onConnection: (socket: Socket) => void;
  #port = 0;
  #server: Server | undefined;
  /** Both ends of the connection that holds the port, once there is one. */
  #anchor: readonly Socket[] = [];
  #anchorClosed: Promise<unknown> | undefined;
  #closing: Promise<void> | undefined;
  /** Connections to itself whose own port is not yet known. Until it is, nothing that came in is let through. */
  #casting = 0;
  #arrivals: Socket[] = [];
  /** Those that are to come in, by their port. */
  readonly #expected = new Map<number | undefined, (far: Socket) => void>();

  private constructor(host: string, onConnection: (socket: Socket) => void) {
    this.#host = host;
    this.#onConnection = onConnection;
  }

  static async open(
    { host, port }: ListenAddress,
    onConnection: (socket: Socket) => void,
  ): Promise<HeldListener> {
    const listener = new HeldListener(host, onConnection);
    const server = await listener.#listen(port);
    listener.#server = server;
    listener.#port = (server.address() as AddressInfo).port;
    return listener;
  }

  get port(): number {
    return this.#port;
  }

  /** Nobody listens from now on: who connects is refused. Existing connections go on. */
  async close(): Promise<void> {
    this.#closing ??= this.#close().finally(() => {
      this.#closing = undefined;
    });
    await this.#closing;
  }

  /**
   * Calls `act` when all who have connected before this call have been taken in: to them the connection is
   * made, while the listener may not yet have heard of it.
   */
  async afterBacklog(act: () => void): Promise<void> {
    if (this.#server === undefined) return act();
    const { promise, resolve } = Promise.withResolvers<void>();
    const near = await this.#cast((far) => {
      act();
      resolve(closed(far));
      far.destroy();
    });
    const nearClosed = closed(near);
    // Also when the listener is closed before it comes in.
    await Promise.race([promise, nearClosed]);
    near.destroy();
    await nearClosed;
  }

  async reopen(): Promise<void> {
    this.#server ??= await this.#listen(this.#port);
  }

  /** Leaves nothing, and the port to others. */
  async stop(): Promise<void> {
    await this.#closing;
    this.#server?.close();
    this.#server = undefined;
    for (const socket of this.#anchor) socket.destroy();
    await this.#anchorClosed;
  }

  async #close(): Promise<void> {
    if (this.#server && this.#anchor.length === 0) {
      const { promise, resolve } = Promise.withResolvers<Socket>();
      const near = await this.#cast(resolve);
      this.#anchor = [near, await promise];
      this.#anchorClosed = Promise.all(this.#anchor.map(closed));
    }
    // The port is closed when the call returns; its callback would wait for the connections.
    this.#server?.close();
    this.#server = undefined;
  }

  async #listen(port: number): Promise<Server> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (s) => this.#take(s));
    server.listen(port, this.#host);
    await once(server, 'listening');
    return server;
  }

  /** Connects to itself. `onArrival` is called between those who came in before and those who come after. */
  async #cast(onArrival: (far: Socket) => void): Promise<Socket> {
    this.#casting++;
    const near = connect({ host: this.#host, port: this.#port });
    near.on('error', () => undefined);
    try {
      await once(near, 'connect');
      this.#expected.set(near.localPort, onArrival);
    } finally {
      this.#casting--;
      this.#letThrough();
    }
    return near;
  }

  #take(socket: Socket): void {
    // An error is followed by 'close', which is all that anybody here needs to know.
    socket.on('error', () => undefined);
    this.#arrivals.push(socket);
    this.#letThrough();
  }

  #letThrough(): void {
    while (this.#casting === 0) {
      const socket = this.#arrivals.shift();
      if (socket === undefined) return;
      const onArrival = this.#expected.get(socket.remotePort);
      this.#expected.delete(socket.remotePort);
      if (onArrival) onArrival(socket);
      else this.#onConnection(socket);
    }
  }
}

/**
 * Resolves when the system has the socket back, which is later than its `closed`. To be called while the
 * socket lives.
 */
export async function closed(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
  });
}
