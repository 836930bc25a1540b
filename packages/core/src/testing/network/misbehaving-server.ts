import type { Socket } from 'node:net';
import { systemClock, warn, type Clock } from '../../core/index.ts';
import { closed, HeldListener } from './held-listener.ts';
import type { Script } from './script.ts';
import { GONE, Peer } from './peer.ts';

export interface MisbehavingServerOptions {
  /** Times what a script does late. @default the machine's */
  readonly clock?: Clock;
}

/** A TCP server on a free port of 127.0.0.1 that treats each connection by a script. */
export class MisbehavingServer implements AsyncDisposable {
  readonly host: string = '127.0.0.1';
  readonly #clock: Clock;
  readonly #sockets = new Set<Socket>();
  #script: Script;
  #listener: HeldListener | undefined;
  #accepted = 0;
  #requests = 0;

  private constructor(script: Script, clock: Clock) {
    this.#script = script;
    this.#clock = clock;
  }

  /** @internal The public way is {@link misbehavingServer}. */
  static async listen(script: Script, clock: Clock): Promise<MisbehavingServer> {
    const server = new MisbehavingServer(script, clock);
    server.#listener = await HeldListener.open({ host: server.host, port: 0 }, (socket) =>
      server.#serve(socket),
    );
    return server;
  }

  get port(): number {
    return (this.#listener as HeldListener).port;
  }

  /** As a base for HTTP: `http://127.0.0.1:port`. */
  get url(): string {
    return `http://${this.host}:${this.port}`;
  }

  /** How many connections are open now. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** How many connections came in so far. */
  get accepted(): number {
    return this.#accepted;
  }

  /** How many requests its scripts have read so far. */
  get requests(): number {
    return this.#requests;
  }

  /** Treats new connections by another script. Existing ones keep theirs. */
  become(script: Script): void {
    this.#script = script;
  }

  /** Nobody listens any more: who connects is refused. The port stays its own; connections go on. */
  async refuse(): Promise<void> {
    await this.#listener?.close();
  }

  /** Listens again after `refuse`. */
  async accept(): Promise<void> {
    await this.#listener?.reopen();
  }

  /** Sends an RST on every connection that was made before the call. Resolves when it has been sent. */
  async reset(): Promise<void> {
    await this.#listener?.afterBacklog(() => {
      for (const socket of this.#sockets) socket.resetAndDestroy();
    });
  }

  /** Sends a FIN on each of them, as a server does that goes down in peace. */
  async end(): Promise<void> {
    await this.#listener?.afterBacklog(() => {
      for (const socket of this.#sockets) socket.end();
    });
  }

  /** Closes the port and all connections. Resolves when no socket and no timer is left. */
  async stop(): Promise<void> {
    await this.#listener?.stop();
    const open = [...this.#sockets];
    const allClosed = Promise.all(open.map(closed));
    for (const socket of open) socket.destroy();
    await allClosed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    const peer = new Peer(socket, this.#accepted++, this.#clock, () => {
      this.#requests++;
    });
    void run(this.#script, peer);
  }
}

/**
 * A server that fails in the way of `script`: one of `misbehaviours`, or your own.
 */
export async function misbehavingServer(
  script: Script,
  options: MisbehavingServerOptions = {},
): Promise<MisbehavingServer> {
  return MisbehavingServer.listen(script, options.clock ?? systemClock);
}

/** A port of 127.0.0.1 on which nobody listens, and which nobody else is given until it is stopped. */
export async function refusingServer(): Promise<MisbehavingServer> {
  const server = await misbehavingServer((peer) => peer.reset());
  await server.refuse();
  return server;
}

async function run(script: Script, peer: Peer): Promise<void> {
  try {
    await script(peer);
  } catch (error) {
    if (error !== GONE) warn(error);
  }
  peer.done();
}
