/** The Worker's bindings with every query, round trip to D1 and use of the bucket counted. */
import type { Env } from '../../../workers/env.ts';

export interface Counted {
  env: Env;
  queries: number;
  trips: number;
  originals: number;
}

type Inner = D1PreparedStatement & { inner: D1PreparedStatement };

/** A copy of the bindings that counts what is asked through it. */
export function counted(env: Env): Counted {
  const count: Counted = { env, queries: 0, trips: 0, originals: 0 };
  const note = (queries: number) => {
    count.queries += queries;
    count.trips += 1;
  };
  const bucket = proxy(env.ORIGINALS, () => (count.originals += 1));
  count.env = { ...env, DIRECTORY: database(env.DIRECTORY, note), MAIL_0: database(env.MAIL_0, note), ORIGINALS: bucket };
  return count;
}

function database(db: D1Database, note: (queries: number) => void): D1Database {
  return new Proxy(db, {
    get(target, name) {
      if (name === 'prepare') return (sql: string) => statement(target.prepare(sql), note);
      if (name !== 'batch') return Reflect.get(target, name);
      return (statements: Inner[]) => {
        note(statements.length);
        return target.batch(statements.map(({ inner }) => inner));
      };
    },
  });
}

function statement(inner: D1PreparedStatement, note: (queries: number) => void): D1PreparedStatement {
  return new Proxy(inner, {
    get(target, name) {
      if (name === 'inner') return target;
      if (name === 'bind') return (...values: unknown[]) => statement(target.bind(...values), note);
      return proxied(target, name, () => note(1));
    },
  });
}

function proxy<T extends object>(inner: T, note: () => void): T {
  return new Proxy(inner, { get: (target, name) => proxied(target, name, note) });
}

function proxied(target: object, name: string | symbol, note: () => void): unknown {
  const member: unknown = Reflect.get(target, name);
  if (typeof member !== 'function') return member;
  return (...args: unknown[]) => {
    note();
    return member.apply(target, args);
  };
}
