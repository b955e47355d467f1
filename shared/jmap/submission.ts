/**
 * EmailSubmission on the wire (RFC 8621 §7): its filter and sort, and the parameters of its envelope. Of SMTP's extensions
 * we offer FUTURERELEASE (RFC 4865), which holds the message here, and SIZE (RFC 1870); any other parameter is refused,
 * because nothing would honour it.
 */
import { DELAYED_SEND_MAX } from './capabilities.ts';
import { readDate, readUtcDate } from './dates.ts';
import type { Json } from './errors.ts';
import { MethodError, ShapeError } from './errors.ts';
import { decodeId, type IdType } from './ids.ts';
import type { Comparator, FilterTree } from './query.ts';
import { readSort } from './query.ts';
import type { Reader } from './readers.ts';
import { arrayOf, mapOf, nullable, own, readId, readString, recordOf } from './readers.ts';

/** Ids one condition may list. */
const IDS_MAX = 500;

export interface SubmissionCondition {
  identityIds?: number[];
  emailIds?: number[];
  threadIds?: number[];
  undoStatus?: string;
  before?: number;
  after?: number;
}
export type SubmissionFilter = FilterTree<SubmissionCondition>;

/** Ids that name nothing of ours match nothing. */
function idsOf(type: IdType): Reader<number[]> {
  return (value, path) => {
    const ids = arrayOf(readId)(value, path);
    if (ids.length > IDS_MAX) throw new MethodError('unsupportedFilter', `at most ${IDS_MAX} ids`);
    return ids.flatMap((id) => decodeId(type, id) ?? []);
  };
}

const CONDITIONS: { [K in keyof Required<SubmissionCondition>]: Reader<Required<SubmissionCondition>[K]> } = {
  identityIds: idsOf('Identity'),
  emailIds: idsOf('Email'),
  threadIds: idsOf('Thread'),
  undoStatus: readString,
  before: readUtcDate,
  after: readUtcDate,
};

/** A FilterCondition (§7.3). */
export function readSubmissionCondition(condition: Json): SubmissionCondition {
  const entries = Object.keys(condition).map((name) => {
    if (!Object.hasOwn(CONDITIONS, name)) throw new MethodError('unsupportedFilter', `no condition ${name}`);
    return [name, CONDITIONS[name as keyof SubmissionCondition](own(condition, name), name)] as const;
  });
  return Object.fromEntries(entries) as SubmissionCondition;
}

type SortProperty = 'emailId' | 'threadId' | 'sentAt';

/** `sentAt` is what §7.3 calls the sort; the property it means is `sendAt`, so both are taken. */
export function readSubmissionSort(sort: Json[] | null): Comparator<SortProperty>[] {
  const read = readSort(sort, ['emailId', 'threadId', 'sentAt', 'sendAt'] as const);
  return read.map(({ property, isAscending }) => ({ property: property === 'sendAt' ? 'sentAt' : property, isAscending }));
}

/** Parameters by name, without their xtext; null for one without a value. */
export type Parameters = Record<string, string | null>;

const readParameters: Reader<Parameters | null> = (value, path) => {
  const parameters = nullable(mapOf(nullable(readString)))(value, path);
  return parameters === null || parameters.size === 0 ? null : Object.fromEntries(parameters);
};

const readNoParameters: Reader<null> = (value, path) => {
  if (readParameters(value, path) !== null) throw new ShapeError(path, 'names no extension offered here');
  return null;
};

/** The envelope of a creation; parameters of recipients ask for extensions we do not have. */
export const readEnvelope = recordOf({
  mailFrom: recordOf({ email: readString, parameters: readParameters }),
  rcptTo: arrayOf(recordOf({ email: readString, parameters: readNoParameters })),
});

/** What the parameters of MAIL FROM ask for. */
interface Asked {
  /** When the message is to leave, epoch milliseconds. */
  releaseAt?: number;
  /** Octets the message is said to have. */
  size?: number;
}

/** By name in upper case, as SMTP compares them. */
const PARAMETERS: Record<string, (value: string | null, path: string, now: number) => Asked> = {
  /** RFC 4865 §4: seconds from now. */
  HOLDFOR: (value, path, now) => {
    if (value === null || !/^\d{1,9}$/.test(value)) throw new ShapeError(path, 'must be a number of seconds');
    return { releaseAt: withinLimit(now + Number(value) * 1000, path, now) };
  },
  /** A moment that has passed means at once. */
  HOLDUNTIL: (value, path, now) => ({ releaseAt: withinLimit(Math.max(now, readDate(value, path).time), path, now) }),
  SIZE: (value, path) => {
    if (value === null || !/^\d{1,15}$/.test(value)) throw new ShapeError(path, 'must be a number of octets');
    return { size: Number(value) };
  },
};

function withinLimit(releaseAt: number, path: string, now: number): number {
  if (releaseAt - now > DELAYED_SEND_MAX * 1000) throw new ShapeError(path, `may hold a message for ${DELAYED_SEND_MAX} seconds`);
  return releaseAt;
}

/** Reads MAIL FROM's parameters; throws ShapeError for one that is not offered, is wrong, or stands beside its rival. */
export function readMailParameters(parameters: Parameters | null, now: number): Asked {
  const asked: Asked = {};
  for (const [name, value] of Object.entries(parameters ?? {})) {
    const path = `envelope/mailFrom/parameters/${name}`;
    const upper = name.toUpperCase();
    const read = Object.hasOwn(PARAMETERS, upper) ? PARAMETERS[upper] : undefined;
    if (!read) throw new ShapeError(path, 'names no extension offered here');
    const one = read(value, path, now);
    if (Object.keys(one).some((key) => Object.hasOwn(asked, key))) throw new ShapeError(path, 'is asked for twice');
    Object.assign(asked, one);
  }
  return asked;
}
