/** Process that loads the servers, apart from them and from the process that compares them. */
import { childTask } from '../harness/child-process.ts';
import { loadHttpSubject } from '../harness/subject.ts';
import { LoadClient } from './load-client.ts';
import type { HttpTask } from './server-child.ts';

export type ClientRequest =
  | { readonly do: 'open'; readonly port: number; readonly connections: number }
  | { readonly do: 'request'; readonly count: number }
  | { readonly do: 'close' };

/** `value`: of a `request`, how long it took in ms. */
export type ClientAnswer = { readonly value: number } | { readonly problem: string };

const { url, subject } = childTask<HttpTask>();
const { path, status, body } = await loadHttpSubject(url, subject);
const client = new LoadClient(path, { status, body });

async function perform(request: ClientRequest): Promise<number> {
  if (request.do === 'request') return client.request(request.count);
  if (request.do === 'open') await client.open(request.port, request.connections);
  else client.close();
  return 0;
}

process.on('message', (request: ClientRequest) => {
  perform(request).then(
    (value) => process.send?.({ value } satisfies ClientAnswer),
    (problem: unknown) => process.send?.({ problem: String(problem) } satisfies ClientAnswer),
  );
});
process.on('disconnect', () => process.exit());
process.send?.({ value: 0 } satisfies ClientAnswer);
