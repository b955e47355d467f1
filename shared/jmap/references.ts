/**
 * Arguments taken from earlier results (RFC 8620 §3.7): `#ids: { resultOf, name, path }`, where path is
 * a JSON Pointer (RFC 6901) in which `*` maps over an array and flattens by one level.
 */
import type { Json } from './errors.ts';
import { MethodError } from './errors.ts';
import { isObject, own } from './readers.ts';
import type { Invocation } from './request.ts';

/** Items one reference may gather: above every limit of a method, and a bound on `*` over `*`. */
const REFERENCED_ITEMS_MAX = 100_000;

/** Characters of a path; each token is one step of a recursion. */
const PATH_LENGTH_MAX = 1_000;

/** The arguments with every reference replaced by what it names. Throws the method error it fails with. */
export function resolveReferences(args: Json, responses: readonly Invocation[]): Json {
  if (!Object.keys(args).some((name) => name.startsWith('#'))) return args;
  return Object.fromEntries(
    Object.entries(args).map(([name, value]) => {
      if (!name.startsWith('#')) return [name, value];
      const plain = name.slice(1);
      if (Object.hasOwn(args, plain)) throw new MethodError('invalidArguments', `${plain} is given twice`, { arguments: [plain] });
      return [plain, resolve(value, responses)];
    }),
  );
}

function resolve(reference: unknown, responses: readonly Invocation[]): unknown {
  if (!isObject(reference)) throw unresolved('a reference must be an object');
  const { resultOf, name, path } = reference;
  if (typeof resultOf !== 'string' || typeof name !== 'string' || typeof path !== 'string')
    throw unresolved('a reference needs resultOf, name and path');
  const response = responses.find(([, , id]) => id === resultOf);
  if (!response) throw unresolved(`no response to ${resultOf}`);
  if (response[0] !== name) throw unresolved(`the response to ${resultOf} is ${response[0]}, not ${name}`);
  return evaluate(response[1], pointerTokens(path));
}

/** RFC 6901 §3–4. The empty pointer is the whole document. */
export function pointerTokens(path: string): string[] {
  if (path === '') return [];
  if (!path.startsWith('/')) throw unresolved('a path begins with /');
  if (path.length > PATH_LENGTH_MAX) throw unresolved('the path is too long');
  if (/~(?![01])/.test(path)) throw unresolved('a tilde in a path is followed by 0 or 1');
  return path.slice(1).split('/').map(unescapeToken);
}

/** `~1` is a slash, `~0` a tilde. */
export function unescapeToken(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~');
}

function evaluate(value: unknown, tokens: readonly string[]): unknown {
  const [token, ...rest] = tokens;
  if (token === undefined) return value;
  if (Array.isArray(value)) return token === '*' ? gather(value, rest) : evaluate(item(value, token), rest);
  if (!isObject(value) || !Object.hasOwn(value, token)) throw unresolved(`nothing at ${token}`);
  return evaluate(own(value, token), rest);
}

function gather(values: unknown[], rest: readonly string[]): unknown[] {
  const gathered: unknown[] = [];
  for (const value of values) {
    const result = evaluate(value, rest);
    const items: unknown[] = Array.isArray(result) ? result : [result];
    if (gathered.length + items.length > REFERENCED_ITEMS_MAX) throw unresolved('the reference names too many items');
    for (const each of items) gathered.push(each);
  }
  return gathered;
}

function item(values: unknown[], token: string): unknown {
  if (!/^(0|[1-9]\d{0,9})$/.test(token) || Number(token) >= values.length) throw unresolved(`nothing at ${token}`);
  return values[Number(token)];
}

function unresolved(description: string): MethodError {
  return new MethodError('invalidResultReference', description);
}
