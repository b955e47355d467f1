/**
 * The Quota object (RFC 9425 §4): an account has one, of octets of mail, or none when nothing limits it: `hardLimit` cannot
 * say "no limit". Here too: its filter and its sort.
 */
import { MAIL } from './capabilities.ts';
import type { Json } from './errors.ts';
import { MethodError } from './errors.ts';
import { matchesFilter } from './mailbox/query.ts';
import type { Comparator, FilterTree } from './query.ts';
import { own, readString } from './readers.ts';

export const QUOTA_ID = 'octets';
/** From here on people should tidy up: a tenth is left. */
const WARN_SHARE = 0.9;

export const QUOTA_PROPERTIES = [
  'id',
  'resourceType',
  'used',
  'hardLimit',
  'warnLimit',
  'softLimit',
  'scope',
  'name',
  'description',
  'types',
];
export const QUOTA_SORTS = ['name', 'used'] as const;

/** The account's quotas: none without a limit, and none for a client that knows no type it applies to (§4.1). */
export function quotaObjects(usage: { octets: number; quota: number | null }, using: ReadonlySet<string>): Json[] {
  if (usage.quota === null || !using.has(MAIL)) return [];
  return [
    {
      id: QUOTA_ID,
      resourceType: 'octets',
      used: usage.octets,
      hardLimit: usage.quota,
      warnLimit: Math.floor(usage.quota * WARN_SHARE),
      softLimit: null,
      scope: 'account',
      name: 'Mail',
      description: null,
      types: ['Email'],
    },
  ];
}

type Test = (quota: Json) => boolean;

const CONDITIONS: Record<string, (wanted: string) => Test> = {
  name: (wanted) => (quota) => String(quota.name).includes(wanted),
  scope: (wanted) => (quota) => quota.scope === wanted,
  resourceType: (wanted) => (quota) => quota.resourceType === wanted,
  type: (wanted) => (quota) => Array.isArray(quota.types) && quota.types.includes(wanted),
};

/** A FilterCondition (§4.4) as one test: all of its properties must hold. */
export function readQuotaCondition(condition: Json): Test {
  const tests = Object.keys(condition).map((name) => {
    const make = Object.hasOwn(CONDITIONS, name) ? CONDITIONS[name] : undefined;
    if (!make) throw new MethodError('unsupportedFilter', `no condition ${name}`);
    return make(readString(own(condition, name), name));
  });
  return (quota) => tests.every((test) => test(quota));
}

/** Ids of the quotas that match, in order. */
export function queryQuotas(
  quotas: readonly Json[],
  filter: FilterTree<Test> | null,
  sort: readonly Comparator<(typeof QUOTA_SORTS)[number]>[],
): string[] {
  const matching = quotas.filter((quota) => matchesFilter(filter, quota));
  return matching.sort((a, b) => compare(a, b, sort)).map(({ id }) => String(id));
}

function compare(a: Json, b: Json, sort: readonly Comparator<(typeof QUOTA_SORTS)[number]>[]): number {
  for (const { property, isAscending } of sort) {
    const order = property === 'used' ? Number(a.used) - Number(b.used) : String(a.name).localeCompare(String(b.name));
    if (order !== 0) return isAscending ? order : -order;
  }
  return 0;
}
