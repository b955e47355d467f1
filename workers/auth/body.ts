/** Request bodies read with a bound: an unauthenticated caller never makes the Worker hold more than that. */

/** The whole body; null when it is longer than `limit` octets, whatever Content-Length says. */
export async function readBounded(body: ReadableStream<Uint8Array> | null, limit: number): Promise<Uint8Array | null> {
  const buffer = new BodyBuffer(limit);
  return (await buffer.readTo(body?.getReader(), Number.POSITIVE_INFINITY)) ? buffer.octets() : null;
}

/** Parsed JSON of a bounded body; undefined when it is too long or no JSON. */
export async function readJson(request: Request, limit: number): Promise<unknown> {
  const octets = await readBounded(request.body, limit);
  if (!octets) return undefined;
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(octets));
  } catch {
    return undefined;
  }
}

/** Octets of a body as they arrive, so that its beginning can be judged before the rest is read. */
export class BodyBuffer {
  readonly #limit: number;
  #storage = new Uint8Array(0);
  #length = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get length(): number {
    return this.#length;
  }

  /** A view, not a copy. */
  octets(): Uint8Array {
    return this.#storage.subarray(0, this.#length);
  }

  /** Makes room for a length that is announced, so that it is not reached by doubling. */
  reserve(length: number): void {
    if (length > this.#storage.length && length <= this.#limit) this.#grow(length);
  }

  /** Reads until `wanted` octets are there or the body ends; false when it passes the limit. */
  async readTo(reader: ReadableStreamDefaultReader<Uint8Array> | undefined, wanted: number): Promise<boolean> {
    while (reader && this.#length < wanted) {
      const { done, value } = await reader.read();
      if (done) break;
      if (!this.#append(value)) {
        await reader.cancel();
        return false;
      }
    }
    return true;
  }

  #append(chunk: Uint8Array): boolean {
    const length = this.#length + chunk.length;
    if (length > this.#limit) return false;
    if (length > this.#storage.length) this.#grow(Math.min(this.#limit, Math.max(length, 2 * this.#storage.length)));
    this.#storage.set(chunk, this.#length);
    this.#length = length;
    return true;
  }

  #grow(capacity: number): void {
    const storage = new Uint8Array(capacity);
    storage.set(this.octets());
    this.#storage = storage;
  }
}
