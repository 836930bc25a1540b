import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';

export interface Zone {
  readonly A?: readonly string[];
  /** Each of eight groups. */
  readonly AAAA?: readonly string[];
  readonly ttlSeconds?: number;
}

/** What a server does with a question: `silent` answers nothing at all. */
type Mode = 'answering' | 'failing' | 'silent';

const TYPES: Readonly<Record<number, 'A' | 'AAAA'>> = { 1: 'A', 28: 'AAAA' };
const NO_ERROR = 0;
const SERVER_FAILURE = 2;
const NO_SUCH_NAME = 3;
const HEADER_BYTES = 12;

/** A real DNS server on loopback, over UDP, that knows A and AAAA records. */
export class DnsServer {
  readonly #socket: Socket = createSocket('udp4');
  readonly #zones = new Map<string, Zone>();
  mode: Mode = 'answering';
  /** As `A stock.test`, in the order in which they came. */
  readonly questions: string[] = [];

  static async start(): Promise<DnsServer> {
    const server = new DnsServer();
    server.#socket.on('message', (query, from) => server.#answer(query, from));
    server.#socket.bind(0, '127.0.0.1');
    await once(server.#socket, 'listening');
    return server;
  }

  /** As in the option `servers`. */
  get address(): string {
    const { address, port } = this.#socket.address();
    return `${address}:${port}`;
  }

  /** From now on the name stands for this. */
  set(name: string, zone: Zone): void {
    this.#zones.set(name, zone);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#socket, 'close');
    this.#socket.close();
    await closed;
  }

  #answer(query: Buffer, { port, address }: RemoteInfo): void {
    const { name, end } = nameAt(query, HEADER_BYTES);
    const type = TYPES[query.readUInt16BE(end)] ?? 'A';
    this.questions.push(`${type} ${name}`);
    if (this.mode === 'silent') return;
    const zone = this.mode === 'failing' ? undefined : this.#zones.get(name);
    const unknown = this.mode === 'failing' ? SERVER_FAILURE : NO_SUCH_NAME;
    const records = (zone?.[type] ?? []).map((each) => record(type, each, zone?.ttlSeconds ?? 0));
    const header = Buffer.alloc(HEADER_BYTES);
    query.copy(header, 0, 0, 2);
    // An answer, by a server that recurses, to a question that wanted it to.
    header.writeUInt16BE(0x8180 | (zone === undefined ? unknown : NO_ERROR), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records.length, 6);
    const question = query.subarray(HEADER_BYTES, end + 4);
    this.#socket.send(Buffer.concat([header, question, ...records]), port, address);
  }
}

/** The name that a message has at a place, and where it ends. */
function nameAt(message: Buffer, start: number): { name: string; end: number } {
  const labels: string[] = [];
  let at = start;
  for (let length = message[at]!; length > 0; length = message[at]!) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 };
}

function record(type: 'A' | 'AAAA', address: string, ttlSeconds: number): Buffer {
  const data =
    type === 'A'
      ? Buffer.from(address.split('.').map(Number))
      : Buffer.from(address.split(':').flatMap((group) => bytesOf(Number.parseInt(group, 16))));
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc000 | HEADER_BYTES, 0); // The name of the question.
  head.writeUInt16BE(type === 'A' ? 1 : 28, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(ttlSeconds, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function bytesOf(group: number): readonly number[] {
  return [group >> 8, group & 0xff];
}
