/** The bucket of originals with somebody who watches: how often it is asked, and how much lies between in and out. */
import { env } from 'cloudflare:test';
import type { Env } from '../../../workers/env.ts';

export class Watched {
  /** Octets of the largest single value that was put. */
  largestPut = 0;
  /** Octets given to the bucket, and taken from it, so far. */
  put = 0;
  got = 0;
  readonly calls: string[] = [];
  readonly env: Env;

  constructor() {
    this.env = { ...env, ORIGINALS: this.#watch(env.ORIGINALS) };
  }

  count(name: string): number {
    return this.calls.filter((call) => call === name).length;
  }

  #watch(bucket: R2Bucket): R2Bucket {
    return new Proxy(bucket, {
      get: (target, property) => {
        const value: unknown = Reflect.get(target, property);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          this.calls.push(String(property));
          if (property === 'put') args[1] = this.#seen(args[1]);
          const answer: unknown = value.apply(target, args);
          if (property === 'createMultipartUpload') return (answer as Promise<R2MultipartUpload>).then((upload) => this.#pieces(upload));
          return property === 'get' ? (answer as Promise<R2ObjectBody | null>).then((object) => object && this.#object(object)) : answer;
        };
      },
    });
  }

  #pieces(upload: R2MultipartUpload): unknown {
    return {
      uploadPart: (number: number, octets: Uint8Array) => upload.uploadPart(number, this.#seen(octets) as Uint8Array),
      complete: (parts: R2UploadedPart[]) => upload.complete(parts),
      abort: () => upload.abort(),
    };
  }

  #seen(value: unknown): unknown {
    if (!(value instanceof Uint8Array)) return value;
    this.put += value.length;
    this.largestPut = Math.max(this.largestPut, value.length);
    return value;
  }

  #object(object: R2ObjectBody): unknown {
    const count = (chunk: Uint8Array, controller: TransformStreamDefaultController<Uint8Array>) => {
      this.got += chunk.length;
      controller.enqueue(chunk);
    };
    // As much as the consumer takes, and no more, is pulled through.
    const body = object.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({ transform: count }, { highWaterMark: 0 }, { highWaterMark: 0 }),
    );
    return { body, size: object.size };
  }
}

/** A stream of `length` octets made as they are asked for; `made` counts them. */
export class Source {
  made = 0;
  readonly stream: ReadableStream<Uint8Array>;

  constructor(length: number, chunk: (offset: number, octets: number) => Uint8Array = zeros) {
    const pull = (controller: ReadableStreamDefaultController<Uint8Array>) => {
      const octets = Math.min(65_536, length - this.made);
      if (octets === 0) return controller.close();
      controller.enqueue(chunk(this.made, octets));
      this.made += octets;
    };
    this.stream = new ReadableStream({ pull }, { highWaterMark: 0 });
  }
}

function zeros(_offset: number, octets: number): Uint8Array {
  return new Uint8Array(octets);
}
