import { parseConfig, type LoadResult } from './load.ts';

/** The name under which the built-in configuration appears in messages. */
const FILE = 'built-in.yaml';

/** What `sluice serve` runs without a file: a configuration to begin one's own with. */
export const builtInText = `# What \`sluice serve\` runs when it is given no file. Copy it, and make it yours.
server:
  port: 8080

limiters:
  public: # A burst of 1000 requests, then 100 a second.
    ratePerSecond: 100
    capacity: 1000

breakers:
  endpoint: # Opens after 5 failures in a row, or when half of the calls fail.
    consecutiveFailures: 5

pools:
  io: # 10 requests are worked on at once, 1000 may wait.
    size: 10
    queue: 1000
  digest: # Uploads are held apart, so that they cannot take every lane.
    size: 4
    queue: 100

routes:
  - path: /api/endpoint
    handler: builtin:simulated-work # In your own: ./handlers.ts#endpoint
    options: { durationMs: 100 }
    timeoutMs: 30000 # At 100 a second, whoever is last in the queue of 1000 waits for 10 s.
    limiter: public
    breaker: endpoint
    pool: io

  - method: POST
    path: /api/digest
    handler: builtin:digest # Answers the SHA-256 of what it is sent.
    body: stream
    maxBodyBytes: 104857600 # 100 MiB
    timeoutMs: 30000
    limiter: public
    pool: digest

log:
  requests: false # true writes a line for each request.
`;

/** {@link builtInText}, read like any other file. It has no variables, so it is always the same. */
export function builtInConfig(): LoadResult {
  return parseConfig(builtInText, { file: FILE });
}
