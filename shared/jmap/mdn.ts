/** The MDN object on the wire (RFC 9007 §2): read from a creation, and made from a notification that came. */
import { isFieldName } from '../mime/headers.ts';
import type { Mdn } from '../mime/report.ts';
import type { Json } from './errors.ts';
import { ShapeError } from './errors.ts';
import type { Reader } from './readers.ts';
import { isObject, mapOf, nullable, optional, own, readBoolean, readId, readString, recordOf } from './readers.ts';

/** Characters of a value that becomes one line. */
const LINE_MAX = 500;
/** Characters of the words for a person. */
const TEXT_MAX = 64 * 1024;
const EXTENSIONS_MAX = 20;

const readLine: Reader<string> = (value, path) => {
  const text = readString(value, path);
  if (text.length > LINE_MAX || /\p{Cc}/u.test(text)) throw new ShapeError(path, `must be one line of at most ${LINE_MAX} characters`);
  return text;
};

const readText: Reader<string> = (value, path) => {
  const text = readString(value, path);
  if (text.length > TEXT_MAX) throw new ShapeError(path, `must have at most ${TEXT_MAX} characters`);
  return text;
};

function oneOf(...words: string[]): Reader<string> {
  return (value, path) => {
    const word = readString(value, path);
    if (!words.includes(word)) throw new ShapeError(path, `must be one of ${words.join(', ')}`);
    return word;
  };
}

/** Fields that the notification has of its own. */
const OWN_FIELDS =
  /^(?:reporting-ua|mdn-gateway|original-recipient|final-recipient|original-message-id|disposition|failure|error|warning)$/i;

const readExtensions: Reader<Record<string, string>> = (value, path) => {
  const fields = mapOf(readLine)(value, path);
  const wrong = [...fields.keys()].find((name) => !isFieldName(name) || name.length > 76 || OWN_FIELDS.test(name));
  if (wrong !== undefined || fields.size > EXTENSIONS_MAX)
    throw new ShapeError(path, `must be at most ${EXTENSIONS_MAX} fields of other names`);
  return Object.fromEntries(fields);
};

/** What the server sets may only be null. */
const readNothing: Reader<null> = (value, path) => {
  if (value !== undefined && value !== null) throw new ShapeError(path, 'is set by the server');
  return null;
};

/** An MDN to be sent; unknown properties are refused. */
export const readMdnCreation = recordOf({
  forEmailId: readId,
  subject: nullable(readLine),
  textBody: nullable(readText),
  includeOriginalMessage: optional(readBoolean, false),
  reportingUA: nullable(readLine),
  disposition: recordOf({
    actionMode: oneOf('manual-action', 'automatic-action'),
    sendingMode: oneOf('mdn-sent-manually', 'mdn-sent-automatically'),
    type: oneOf('deleted', 'dispatched', 'displayed', 'processed'),
  }),
  finalRecipient: nullable(readLine),
  extensionFields: nullable(readExtensions),
  mdnGateway: readNothing,
  originalRecipient: readNothing,
  originalMessageId: readNothing,
  error: readNothing,
});
export type MdnCreation = ReturnType<typeof readMdnCreation>;

/** Whether a patch sets the keyword that keeps a second notification from being sent. */
export function setsMdnSent(patch: Json | undefined): boolean {
  if (patch === undefined) return false;
  const keywords = own(patch, 'keywords');
  return own(patch, 'keywords/$mdnsent') === true || (isObject(keywords) && own(keywords, '$mdnsent') === true);
}

/** The object of a notification that was parsed. */
export function mdnObject({ hasOriginal, ...mdn }: Mdn, forEmailId: string | null): Json {
  return { forEmailId, includeOriginalMessage: hasOriginal, ...mdn };
}
