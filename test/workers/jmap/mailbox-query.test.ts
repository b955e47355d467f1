/** Mailbox/query and /queryChanges (RFC 8621 §2.3, §2.4; RFC 8620 §5.5, §5.6): conditions, sorts, trees, windows, and what changed of a result. */
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Json } from '../../../shared/jmap/errors.ts';
import { type Client, makeClient } from './client.ts';

let client: Client;
let roles: Record<string, string>;
/** Name → id of the mailboxes below. */
let ids: Record<string, string>;

const BOXES: [name: string, parent: string | null, sortOrder: number, isSubscribed: boolean][] = [
  ['Work', null, 5, true],
  ['Alpha', 'Work', 2, true],
  ['beta', 'Work', 1, false],
  ['Deep', 'beta', 0, true],
  ['Zoo', null, 0, false],
  ['Übung', 'Zoo', 0, true],
];

beforeEach(async () => {
  client = await makeClient();
  roles = await client.roles();
  const create = Object.fromEntries(
    BOXES.map(([name, parent, sortOrder, isSubscribed], at) => [
      `k${at}`,
      { name, sortOrder, isSubscribed, parentId: parent === null ? null : `#k${BOXES.findIndex(([other]) => other === parent)}` },
    ]),
  );
  const { created, notCreated } = await client.call('Mailbox/set', { create });
  expect(notCreated).toBeNull();
  ids = Object.fromEntries(BOXES.map(([name], at) => [name, (created as Record<string, { id: string }>)[`k${at}`]?.id ?? '']));
});

/** The names of what a query gives, of those above unless `all`. */
async function names(query: Json): Promise<string[]> {
  const found = (await client.call('Mailbox/query', query)).ids as string[];
  return found.map(
    (id) =>
      Object.entries(ids).find(([, other]) => other === id)?.[0] ?? Object.entries(roles).find(([, other]) => other === id)?.[0] ?? id,
  );
}

const OURS = { hasAnyRole: false };
const BY_NAME = [{ property: 'name' }];
const and = (...conditions: Json[]) => ({ operator: 'AND', conditions });

describe('conditions', () => {
  test.each<[string, () => Json, string[]]>([
    ['parentId', () => ({ parentId: ids.Work }), ['Alpha', 'beta']],
    ['parentId null', () => ({ ...OURS, parentId: null }), ['Work', 'Zoo']],
    ['parentId of nothing', () => ({ parentId: 'F999' }), []],
    ['parentId that is no id of ours', () => ({ parentId: 'nonsense' }), []],
    ['name, in any case and in the middle', () => ({ ...OURS, name: 'ET' }), ['beta']],
    ['name, beyond ASCII', () => ({ name: 'übu' }), ['Übung']],
    ['name, empty', () => ({ ...OURS, name: '' }), ['Alpha', 'beta', 'Deep', 'Work', 'Zoo', 'Übung']],
    ['role', () => ({ role: 'junk' }), ['junk']],
    ['role null', () => ({ role: null, isSubscribed: false }), ['beta', 'Zoo']],
    ['role that nobody has', () => ({ role: 'flagged' }), []],
    ['hasAnyRole', () => ({ hasAnyRole: true, name: 'n' }), ['inbox', 'junk', 'sent']],
    ['isSubscribed', () => ({ ...OURS, isSubscribed: true }), ['Alpha', 'Deep', 'Work', 'Übung']],
    ['all of one condition together', () => ({ parentId: ids.Work, isSubscribed: false }), ['beta']],
    ['AND', () => and({ parentId: ids.Work }, { name: 'a' }, { name: 'l' }), ['Alpha']],
    ['OR', () => ({ operator: 'OR', conditions: [{ name: 'zoo' }, { parentId: ids.beta }] }), ['Deep', 'Zoo']],
    [
      'NOT, which is true when none is',
      () => and(OURS, { operator: 'NOT', conditions: [{ name: 'a' }, { name: 'o' }] }),
      ['Deep', 'Übung'],
    ],
    ['AND of nothing', () => and(OURS, and()), ['Alpha', 'beta', 'Deep', 'Work', 'Zoo', 'Übung']],
    ['OR of nothing', () => and(OURS, { operator: 'OR', conditions: [] }), []],
  ])('%s', async (_what, filter, expected) => {
    expect(await names({ filter: filter(), sort: BY_NAME })).toEqual(expected);
  });

  test('an empty condition, and none, match every mailbox', async () => {
    expect(await names({ filter: {} })).toHaveLength(12);
    expect(await names({})).toHaveLength(12);
  });

  test.each<[Json, string]>([
    [{ filter: { color: 1 } }, 'unsupportedFilter'],
    [{ filter: { totalEmails: 1 } }, 'unsupportedFilter'],
    [{ filter: { name: 1 } }, 'invalidArguments'],
    [{ filter: { name: null } }, 'invalidArguments'],
    [{ filter: { hasAnyRole: 'yes' } }, 'invalidArguments'],
    [{ filter: { parentId: 7 } }, 'invalidArguments'],
    [{ filter: { role: ['inbox'] } }, 'invalidArguments'],
    [{ filter: [] }, 'invalidArguments'],
    [{ filter: { operator: 'XOR', conditions: [] } }, 'invalidArguments'],
    [{ filter: { operator: 'AND' } }, 'invalidArguments'],
    [{ sort: [{ property: 'totalEmails' }] }, 'unsupportedSort'],
    [{ sort: [{ property: 'name', collation: 'i;no-such' }] }, 'unsupportedSort'],
    [{ sort: [{}] }, 'invalidArguments'],
    [{ sort: [{ property: 'name', isAscending: 'no' }] }, 'invalidArguments'],
    [{ sortAsTree: 1 }, 'invalidArguments'],
    [{ filterAsTree: null, sortAsTree: 'x' }, 'invalidArguments'],
    [{ anchor: 'F999' }, 'anchorNotFound'],
    [{ limit: -1 }, 'invalidArguments'],
    [{ position: 'first' }, 'invalidArguments'],
    [{ unknownArgument: true }, 'invalidArguments'],
  ])('%j is %s', async (args, error) => {
    expect(await client.errorOf('Mailbox/query', args)).toBe(error);
  });
});

describe('order', () => {
  test.each<[Json, string[]]>([
    [{ sort: BY_NAME }, ['Alpha', 'beta', 'Deep', 'Work', 'Zoo', 'Übung']],
    [{ sort: [{ property: 'name', isAscending: false }] }, ['Übung', 'Zoo', 'Work', 'Deep', 'beta', 'Alpha']],
    [{ sort: [{ property: 'sortOrder' }, { property: 'name' }] }, ['Deep', 'Zoo', 'Übung', 'beta', 'Alpha', 'Work']],
    [
      {
        sort: [
          { property: 'sortOrder', isAscending: false },
          { property: 'name', isAscending: false },
        ],
      },
      ['Work', 'Alpha', 'beta', 'Übung', 'Zoo', 'Deep'],
    ],
    [{ sort: BY_NAME, sortAsTree: true }, ['Work', 'Alpha', 'beta', 'Deep', 'Zoo', 'Übung']],
    [{ sort: [{ property: 'sortOrder' }], sortAsTree: true }, ['Zoo', 'Übung', 'Work', 'beta', 'Deep', 'Alpha']],
    [{ sort: [{ property: 'name', isAscending: false }], sortAsTree: true }, ['Zoo', 'Übung', 'Work', 'beta', 'Deep', 'Alpha']],
    [{ sort: BY_NAME, filter: { ...OURS, isSubscribed: true }, filterAsTree: true }, ['Alpha', 'Work']],
    [{ sort: BY_NAME, filter: { ...OURS, isSubscribed: true }, sortAsTree: true }, ['Work', 'Alpha', 'Deep', 'Übung']],
    [{ sort: BY_NAME, filter: { ...OURS, name: 'o' }, filterAsTree: true, sortAsTree: true }, ['Work', 'Zoo']],
  ])('%j', async (query, expected) => {
    expect(await names({ filter: OURS, ...query })).toEqual(expected);
  });

  test.each<[Json, string[], number]>([
    [{ position: 2, limit: 2 }, ['Deep', 'Work'], 2],
    [{ position: -2 }, ['Zoo', 'Übung'], 4],
    [{ position: -99, limit: 1 }, ['Alpha'], 0],
    [{ limit: 0 }, [], 0],
    [{ position: 99 }, [], 99],
  ])('a window %j', async (window, expected, position) => {
    const query = { filter: OURS, sort: BY_NAME, ...window };
    expect(await names(query)).toEqual(expected);
    expect(await client.call('Mailbox/query', { ...query, calculateTotal: true })).toMatchObject({ position, total: 6 });
  });

  test('an anchor with an offset, which counts more than a position', async () => {
    const query = (anchorOffset: number) => ({ filter: OURS, sort: BY_NAME, anchor: ids.Deep, anchorOffset, limit: 2, position: 5 });
    expect(await names(query(0))).toEqual(['Deep', 'Work']);
    expect(await names(query(1))).toEqual(['Work', 'Zoo']);
    expect(await names(query(-1))).toEqual(['beta', 'Deep']);
    expect(await names(query(-9))).toEqual(['Alpha', 'beta']);
  });

  test('no total unless it is asked for', async () => {
    expect(await client.call('Mailbox/query', {})).not.toHaveProperty('total');
  });
});

/** A cached result after what /queryChanges says, as RFC 8620 §5.6 tells clients to apply it. */
function spliced(cached: string[], { removed, added, total }: Json): string[] {
  const result = cached.filter((id) => !(removed as string[]).includes(id));
  for (const { id, index } of added as { id: string; index: number }[]) result.splice(index, 0, id);
  return result.slice(0, Number(total));
}

const QUERIES: Json[] = [
  {},
  { sort: BY_NAME, sortAsTree: true },
  { sort: [{ property: 'sortOrder', isAscending: false }, { property: 'name' }], sortAsTree: true, filter: { isSubscribed: true } },
  { sort: BY_NAME, filter: { operator: 'NOT', conditions: [{ name: 'x' }] }, filterAsTree: true },
  { sort: BY_NAME, filter: { isSubscribed: true }, filterAsTree: true, sortAsTree: true },
];

describe('changes of a result', () => {
  test('a client that applies them has what a new query gives, in lists and in trees, whatever was changed', async () => {
    const box = fc.constantFrom(...BOXES.map(([name]) => name));
    const change = fc.oneof(
      fc.record({ box, patch: fc.record({ name: fc.constantFrom('Ax', 'Mm', 'zz', 'Xy') }) }),
      fc.record({ box, patch: fc.record({ sortOrder: fc.nat(6) }) }),
      fc.record({ box, patch: fc.record({ isSubscribed: fc.boolean() }) }),
      fc.record({ box, under: fc.option(box) }),
      fc.record({ destroy: box }),
      fc.record({ create: fc.constantFrom('New', 'Aa', 'Xx'), under: fc.option(box) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const before = await Promise.all(QUERIES.map((query) => client.call('Mailbox/query', query)));
        for (const each of changes) {
          const parentId = 'under' in each && each.under !== null ? ids[each.under] : null;
          if ('destroy' in each) await client.call('Mailbox/set', { destroy: [ids[each.destroy]] });
          else if ('create' in each) await client.call('Mailbox/set', { create: { k: { name: each.create, parentId } } });
          else await client.call('Mailbox/set', { update: { [ids[each.box] ?? '']: 'patch' in each ? each.patch : { parentId } } });
        }
        for (const [at, query] of QUERIES.entries()) {
          const { queryState: sinceQueryState, ids: cached, canCalculateChanges } = before[at] ?? {};
          expect(canCalculateChanges).toBe(true);
          const answer = await client.call('Mailbox/queryChanges', { ...query, sinceQueryState, calculateTotal: true });
          const after = await client.call('Mailbox/query', query);
          expect(answer).toMatchObject({ oldQueryState: sinceQueryState, newQueryState: after.queryState });
          expect(spliced(cached as string[], answer), JSON.stringify(query)).toEqual(after.ids);
        }
      }),
      { numRuns: 15 },
    );
  }, 60_000);

  test('new mail changes counts, and no result', async () => {
    const { queryState } = await client.call('Mailbox/query', { sortAsTree: true });
    await client.import('Subject: x\r\n\r\nx\r\n', roles.inbox ?? '');
    for (const sortAsTree of [true, false])
      expect(await client.call('Mailbox/queryChanges', { sinceQueryState: queryState, sortAsTree })).toMatchObject({
        removed: [],
        added: [],
      });
  });

  test('too many, a state that is none, and what a query could not be', async () => {
    const { queryState } = await client.call('Mailbox/query', {});
    await client.call('Mailbox/set', { update: { [ids.Zoo ?? '']: { name: 'Ox' }, [ids.Work ?? '']: { name: 'Play' } } });
    const errorOf = (args: Json) => client.errorOf('Mailbox/queryChanges', { sinceQueryState: queryState, ...args });
    expect(await errorOf({ maxChanges: 3 })).toBe('tooManyChanges');
    expect(await client.call('Mailbox/queryChanges', { sinceQueryState: queryState, maxChanges: 4 })).not.toHaveProperty('total');
    expect(await errorOf({ sinceQueryState: 'nonsense' })).toBe('cannotCalculateChanges');
    expect(await errorOf({ sinceQueryState: '999999' })).toBe('cannotCalculateChanges');
    expect(await errorOf({ filter: { color: 1 } })).toBe('unsupportedFilter');
    expect(await errorOf({ sort: [{ property: 'color' }] })).toBe('unsupportedSort');
    expect(await errorOf({ maxChanges: 0 })).toBe('tooManyChanges');
    expect(await errorOf({ upToId: 1 })).toBe('invalidArguments');
  });
});
