import { StringDecoder } from 'node:string_decoder';

/** The part of a stream's `write` that is called here, whatever the overload. */
type Write = (chunk: string, ...rest: unknown[]) => boolean;

/**
 * Puts the worker's name before every line that is printed in this thread. Here and not where the lines
 * arrive: whoever reads a worker's streams keeps the process alive.
 */
export function nameOutput(name: string): void {
  for (const stream of [process.stdout, process.stderr]) {
    const decoder = new StringDecoder('utf8');
    const write = stream.write.bind(stream) as Write;
    let isLineStart = true;
    const named: Write = (chunk: unknown, ...rest) => {
      const encoding = typeof rest[0] === 'string' ? (rest[0] as BufferEncoding) : 'utf8';
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : (chunk as Buffer);
      const text = typeof chunk === 'string' && encoding === 'utf8' ? chunk : decoder.write(bytes);
      if (text === '') return write('', ...rest.filter((part) => typeof part === 'function'));
      const lines = text.replaceAll(/\n(?!$)/gu, `\n${name}: `);
      const line = isLineStart ? `${name}: ${lines}` : lines;
      isLineStart = text.endsWith('\n');
      return write(line, ...rest.filter((part) => typeof part === 'function'));
    };
    stream.write = named;
  }
}
