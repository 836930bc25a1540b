/** One HTTP answer as it stood on the wire. */
export interface Answer {
  readonly status: number;
  /** By lower-case name; of a header that is there twice, the last. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What is known of a connection: the bytes as latin1, and whether more may come. */
export interface Received {
  readonly text: string;
  readonly ended: boolean;
}

export interface Taken {
  readonly answer: Answer;
  readonly rest: string;
}

/** Takes the first whole answer off what was received; undefined while it is not whole. */
export function takeAnswer({ text, ended }: Received, toHead = false): Taken | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [statusLine = '', ...lines] = text.slice(0, headEnd).split('\r\n');
  const status = Number(statusLine.split(' ')[1]);
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const after = text.slice(headEnd + 4);
  const hasBody = !toHead && status >= 200 && status !== 204 && status !== 304;
  const taken = hasBody ? takeBody(headers, { text: after, ended }) : { body: '', rest: after };
  return taken && { answer: { status, headers, body: taken.body }, rest: taken.rest };
}

interface TakenBody {
  readonly body: string;
  readonly rest: string;
}

function takeBody(
  headers: Readonly<Record<string, string>>,
  { text, ended }: Received,
): TakenBody | undefined {
  if (headers['transfer-encoding'] === 'chunked') return takeChunks(text);
  const length = headers['content-length'];
  if (length === undefined) return ended ? { body: text, rest: '' } : undefined;
  if (text.length < Number(length)) return undefined;
  return { body: text.slice(0, Number(length)), rest: text.slice(Number(length)) };
}

function takeChunks(text: string): TakenBody | undefined {
  let body = '';
  let at = 0;
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    const end = lineEnd + 2 + size;
    if (text.length < end + 2) return undefined;
    body += text.slice(lineEnd + 2, end);
    at = end + 2;
    if (size === 0) return { body, rest: text.slice(at) };
  }
}
