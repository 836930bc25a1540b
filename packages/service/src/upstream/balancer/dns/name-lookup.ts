import { promises as dns } from 'node:dns';
import { isIPv4 } from 'node:net';

/** What a name stands for now. */
export interface NameAnswer {
  /** At least one; sorted. */
  readonly addresses: readonly string[];
  /** How long it may be kept; 0 where nobody says. */
  readonly ttlMs: number;
}

/** The name is not known, or the server has nothing for it. */
const UNKNOWN: ReadonlySet<unknown> = new Set([dns.NOTFOUND, dns.NODATA]);
const QUERY_TRIES = 2;
/** More targets than an upstream may have. */
const MOST_ADDRESSES = 1000;

interface Query {
  readonly servers: readonly string[];
  readonly timeoutMs: number;
}

/**
 * Looks names up. IPv4 addresses where a name has any, otherwise IPv6: a machine that has both is one target,
 * not two, and many networks offer addresses by IPv6 that cannot be reached.
 *
 * DNS is asked first, as only it tells a TTL. The system's own lookup has what DNS does not: the hosts file,
 * and names that are completed by search domains. It is asked last, and only where no servers were given.
 */
export class NameLookup {
  readonly #running = new Set<dns.Resolver>();

  /** @throws Error of `node:dns`, with its code, when there is no address. */
  async resolve(host: string, query: Query): Promise<NameAnswer> {
    // RFC 6761, section 6.3: nobody is to be asked for it.
    if (isLocalhost(host)) return await systemLookup(host);
    try {
      return await this.#ask(host, query);
    } catch (error) {
      if (query.servers.length > 0 || !mayBeKnownToSystem(error)) throw error;
      return await systemLookup(host);
    }
  }

  /** Ends the queries under way; they reject. */
  cancel(): void {
    for (const resolver of this.#running) resolver.cancel();
  }

  async #ask(host: string, { servers, timeoutMs }: Query): Promise<NameAnswer> {
    // A new one each time: it reads what the system's servers are now, and remembers no answer.
    const resolver = new dns.Resolver({ timeout: timeoutMs, tries: QUERY_TRIES });
    if (servers.length > 0) resolver.setServers(servers);
    this.#running.add(resolver);
    try {
      return answerOf(await resolver.resolve4(host, { ttl: true }));
    } catch (error) {
      if (!UNKNOWN.has(codeOf(error))) throw error;
      return answerOf(await resolver.resolve6(host, { ttl: true }));
    } finally {
      this.#running.delete(resolver);
    }
  }
}

async function systemLookup(host: string): Promise<NameAnswer> {
  const found = (await dns.lookup(host, { all: true })).map(({ address }) => address);
  const four = found.filter((address) => isIPv4(address));
  return { addresses: distinct(four.length > 0 ? four : found), ttlMs: 0 };
}

function answerOf(records: readonly { address: string; ttl: number }[]): NameAnswer {
  const ttlMs = 1000 * Math.min(...records.map(({ ttl }) => ttl));
  return { addresses: distinct(records.map(({ address }) => address)), ttlMs };
}

function distinct(addresses: readonly string[]): readonly string[] {
  return [...new Set(addresses)].sort().slice(0, MOST_ADDRESSES);
}

function isLocalhost(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost');
}

/** Not where a server is at fault: the system would ask the same one. */
function mayBeKnownToSystem(error: unknown): boolean {
  const code = codeOf(error);
  return UNKNOWN.has(code) || code === dns.CONNREFUSED;
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | undefined)?.code;
}
