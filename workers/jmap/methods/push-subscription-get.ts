/** PushSubscription/get (RFC 8620 §7.2.1): what this login subscribed, without URL and keys; no account, no state. */
import type { Json } from '../../../shared/jmap/errors.ts';
import { MethodError } from '../../../shared/jmap/errors.ts';
import { distinctIds, GET_FIELDS, knownProperties, pick } from '../../../shared/jmap/get.ts';
import { encodeId } from '../../../shared/jmap/ids.ts';
import { HIDDEN_PROPERTIES, pushSubscriptionObject, SHOWN_PROPERTIES } from '../../../shared/jmap/push-subscription.ts';
import { readArguments } from '../../../shared/jmap/readers.ts';
import type { Method } from '../context.ts';
import { ownSubscriptions } from '../push/own.ts';

const { ids: readIds, properties: readProperties } = GET_FIELDS;

export const pushSubscriptionGet: Method = async (args, context) => {
  const read = readArguments(args, { ids: readIds, properties: readProperties });
  const hidden = read.properties?.find((name) => HIDDEN_PROPERTIES.includes(name));
  if (hidden !== undefined) throw new MethodError('forbidden', `${hidden} is never shown`);
  const properties = knownProperties(read.properties, SHOWN_PROPERTIES);
  const ids = distinctIds(read.ids);
  const { rows } = await ownSubscriptions(context);
  const all = new Map(rows.map((row): [string, Json] => [encodeId('PushSubscription', row.id), pushSubscriptionObject(row)]));
  const wanted = ids ?? [...all.keys()];
  const list = wanted.flatMap((id): Json[] => {
    const object = all.get(id);
    return object ? [pick(object, properties)] : [];
  });
  return { list, notFound: wanted.filter((id) => !all.has(id)) };
};
