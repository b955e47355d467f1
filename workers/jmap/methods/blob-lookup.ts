/**
 * Blob/lookup (RFC 9404 §4.3): what points to a blob: the emails whose message or part it is, their threads and their
 * mailboxes. A blob of another account is like one that nothing points to.
 */
import { GET_OBJECTS_MAX, LOOKUP_TYPES, MAIL } from '../../../shared/jmap/capabilities.ts';
import type { Json } from '../../../shared/jmap/errors.ts';
import { MethodError } from '../../../shared/jmap/errors.ts';
import type { BlobName } from '../../../shared/jmap/ids.ts';
import { decodeBlobId, encodeId } from '../../../shared/jmap/ids.ts';
import { arrayOf, readArguments, readId, readString } from '../../../shared/jmap/readers.ts';
import { realId } from '../../../shared/jmap/set.ts';
import { bodyTree, leaves } from '../../../shared/mime/bodylists.ts';
import type { BlobOwner } from '../../store/mail/blob-owners.ts';
import { readBlobOwners } from '../../store/mail/blob-owners.ts';
import type { JmapContext, Method } from '../context.ts';
import { partBlobId } from '../email/stored.ts';

type LookupType = (typeof LOOKUP_TYPES)[number];

/** The ids of each type that an email stands for. */
const MATCHES: Record<LookupType, (owner: BlobOwner) => string[]> = {
  Mailbox: ({ mailboxes }) => mailboxes.map((id) => encodeId('Mailbox', id)),
  Thread: ({ thread }) => [encodeId('Thread', thread)],
  Email: ({ email }) => [encodeId('Email', email)],
};

const FIELDS = { accountId: readId, typeNames: arrayOf(readString), ids: arrayOf(readId) };

export const blobLookup: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const { typeNames, ids } = readArguments(args, FIELDS);
  const types = [...new Set(typeNames)].map((name) => lookupType(name, context));
  const distinct = [...new Set(ids.map((id) => realId(id, context.createdIds)))];
  if (distinct.length > GET_OBJECTS_MAX) throw new MethodError('requestTooLarge', `at most ${GET_OBJECTS_MAX} ids`);
  const names = new Map(distinct.flatMap((id) => pair(id, decodeBlobId(id))));
  const owners = await readBlobOwners(context.env, context.account, [...new Set([...names.values()].map(({ sha256 }) => sha256))]);
  const parts = await partsOf(context, owners, names);
  const list = [...names].map(([id, name]): Json => {
    const own = owners.filter(({ sha256, email }) => sha256 === name.sha256 && (!name.part || parts.get(email)?.has(id)));
    return { id, matchedIds: Object.fromEntries(types.map((type) => [type, [...new Set(own.flatMap(MATCHES[type]))]])) };
  });
  return { accountId, list, notFound: distinct.filter((id) => !names.has(id)) };
};

function lookupType(name: string, { using }: JmapContext): LookupType {
  const type = LOOKUP_TYPES.find((each) => each === name);
  if (!type || !using.has(MAIL)) throw new MethodError('unknownDataType', `no look-up for ${name.slice(0, 100)}`);
  return type;
}

function pair(id: string, name: BlobName | null): [string, BlobName][] {
  return name === null ? [] : [[id, name]];
}

/** Blob ids of the parts of those emails of whose originals a part was asked for. */
async function partsOf(
  context: JmapContext,
  owners: readonly BlobOwner[],
  names: ReadonlyMap<string, BlobName>,
): Promise<Map<number, ReadonlySet<string>>> {
  const cut = new Set([...names.values()].flatMap(({ sha256, part }) => (part ? [sha256] : [])));
  const rows = await context.emails(owners.filter(({ sha256 }) => cut.has(sha256)).map(({ email }) => email));
  return new Map(
    rows.map(({ id, sha256, structure }) => [id, new Set(leaves(bodyTree(structure)).map(({ part }) => partBlobId(sha256, part)))]),
  );
}
