/** Reading a stream with a bound, because Content-Length may be missing or a lie. */

/** All octets of a request's body; null when there are more than `max`. */
export async function readBounded(request: Request, max: number): Promise<Uint8Array | null> {
  const announced = Number(request.headers.get('content-length') ?? '0');
  if (announced > max) {
    await request.body?.cancel();
    return null;
  }
  return request.body === null ? new Uint8Array() : readStream(request.body, max);
}

/** All octets of a stream; null, and the stream cancelled, when there are more than `max`. */
export async function readStream(stream: ReadableStream<Uint8Array>, max: number): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    if (length > max) return null;
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : concatenate(chunks, length);
}

function concatenate(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const octets = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    octets.set(chunk, offset);
    offset += chunk.length;
  }
  return octets;
}
