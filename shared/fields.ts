/**
 * Reading JSON from the network into typed values: strict, bounded, and with the path of what is wrong. A reader
 * throws `Malformed`, which the door that called it turns into its 400; nothing is cast. For what our own programs send each other:
 * fields of a newer one are dropped, and absent is not null. JMAP has it the other way round (`jmap/readers.ts`).
 */

/** What was wrong and where, for the caller's log. */
export class Malformed extends Error {
  constructor(path: string, expected: string) {
    super(`${path}: expected ${expected}`);
  }
}

/** Reads a value found at `path`. */
export type Reader<Value> = (value: unknown, path: string) => Value;

/** Fields of an object, by name; absent ones read as undefined. */
export type Fields = <Value>(name: string, read: Reader<Value>) => Value;

/** An object read field by field; fields that nobody asks for are dropped. */
export function record<Value>(read: (field: Fields) => Value): Reader<Value> {
  return (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Malformed(path, 'an object');
    const fields = value as Record<string, unknown>;
    return read((name, reader) => reader(Object.hasOwn(fields, name) ? fields[name] : undefined, `${path}.${name}`));
  };
}

/** At most `max` UTF-16 units, without NUL and lone surrogates, which SQLite cannot keep. */
export function text(max: number, pattern?: RegExp): Reader<string> {
  return (value, path) => {
    if (typeof value !== 'string' || value.length > max) throw new Malformed(path, `text of at most ${max} characters`);
    if (value.includes('\0') || !value.isWellFormed()) throw new Malformed(path, 'text without NUL and lone surrogates');
    if (pattern && !pattern.test(value)) throw new Malformed(path, `text like ${pattern.source}`);
    return value;
  };
}

/** A string whose every code unit is one octet. */
export function octets(max: number): Reader<string> {
  const read = text(max);
  return (value, path) => {
    const string = read(value, path);
    for (let at = 0; at < string.length; at++) if (string.charCodeAt(at) > 0xff) throw new Malformed(path, 'a byte string');
    return string;
  };
}

/** A safe integer from `min` to `max`. */
export function integer(min = 0, max = Number.MAX_SAFE_INTEGER): Reader<number> {
  return (value, path) => {
    if (!Number.isSafeInteger(value) || Number(value) < min || Number(value) > max)
      throw new Malformed(path, `an integer from ${min} to ${max}`);
    return Number(value);
  };
}

/** Epoch milliseconds within what Date can hold. */
export const time: Reader<number> = integer(-8_640_000_000_000_000, 8_640_000_000_000_000);

export const flag: Reader<boolean> = (value, path) => {
  if (typeof value !== 'boolean') throw new Malformed(path, 'true or false');
  return value;
};

/** SHA-256 in lower-case hexadecimal. */
export const sha256: Reader<string> = text(64, /^[0-9a-f]{64}$/);

/** An id of an account's own row. */
export const id: Reader<number> = integer(1, 2 ** 32 - 1);

export function oneOf<const Choice extends string>(choices: readonly Choice[]): Reader<Choice> {
  return (value, path) => {
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw new Malformed(path, choices.join(', '));
    return found;
  };
}

export function list<Value>(read: Reader<Value>, max: number, min = 0): Reader<Value[]> {
  return (value, path) => {
    if (!Array.isArray(value) || value.length > max || value.length < min) throw new Malformed(path, `a list of ${min} to ${max}`);
    return value.map((item, index) => read(item, `${path}[${index}]`));
  };
}

export function pair<First, Second>(first: Reader<First>, second: Reader<Second>): Reader<[First, Second]> {
  return (value, path) => {
    if (!Array.isArray(value) || value.length !== 2) throw new Malformed(path, 'a pair');
    return [first(value[0], `${path}[0]`), second(value[1], `${path}[1]`)];
  };
}

export function optional<Value>(read: Reader<Value>): Reader<Value | undefined> {
  return (value, path) => (value === undefined ? undefined : read(value, path));
}

export function nullable<Value>(read: Reader<Value>): Reader<Value | null> {
  return (value, path) => (value === null ? null : read(value, path));
}
