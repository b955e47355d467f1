/**
 * The parts of an Email that is to be made (RFC 8621 §4.6): either the tree the client gives, or the one
 * its textBody, htmlBody and attachments make: alternatives of text and HTML, pictures of the HTML
 * related to it, everything else mixed in behind.
 */
import { encodeParameter } from '../../mime/words.ts';
import type { Json } from '../errors.ts';
import { ShapeError } from '../errors.ts';
import { arrayOf, nullable, own, readObject, readString } from '../readers.ts';
import { foldField, headerOf, writeProperty } from './header-writing.ts';

/** A part to be written. `fields` are finished but for what `type` and the content decide. */
export interface PartPlan {
  /** `text/plain`, lower case; null when the client set Content-Type itself. */
  type: string | null;
  /** Pieces of Content-Type after the type: `charset=…`, `name=…`. */
  parameters: string[];
  fields: string[];
  content: { text: string } | { blobId: string } | { parts: PartPlan[] };
}

/** Levels of a tree that is made. */
const DEPTH_MAX = 20;
/** Parts of a message that is made. */
const PARTS_MAX = 500;

const PART_PROPERTIES = ['partId', 'blobId', 'size', 'name', 'type', 'charset', 'disposition', 'cid', 'language', 'location', 'subParts'];
const TYPE = /^[a-z0-9!#$&^_.+-]{1,127}\/[a-z0-9!#$&^_.+-]{1,127}$/;

type Texts = ReadonlyMap<string, string>;

/** The tree of `bodyStructure`. `taken`: fields the Email itself has set. */
export function readBodyStructure(structure: Json, texts: Texts, taken: ReadonlySet<string>): PartPlan {
  let parts = 0;
  const read = (json: Json, path: string, depth: number): PartPlan => {
    if (depth > DEPTH_MAX || ++parts > PARTS_MAX) throw new ShapeError('bodyStructure', 'has too many parts');
    const children = nullable(arrayOf(readObject))(own(json, 'subParts'), `${path}/subParts`);
    const type = readType(json, path, children === null ? null : 'multipart/mixed');
    if (!(type ?? '').startsWith('multipart/')) {
      if (children !== null) throw new ShapeError(`${path}/subParts`, 'belongs to multiparts');
      return readLeaf(json, path, texts, null, depth === 0 ? taken : NONE);
    }
    if (own(json, 'partId') != null || own(json, 'blobId') != null) throw new ShapeError(`${path}/partId`, 'a multipart has none');
    const content = { parts: (children ?? []).map((child, index) => read(child, `${path}/subParts/${index}`, depth + 1)) };
    return { ...readFields(json, path, depth === 0 ? taken : NONE), type, content };
  };
  return read(structure, 'bodyStructure', 0);
}

const NONE: ReadonlySet<string> = new Set();

/** Runs a reader; what it throws is noted against the property, and `fallback` stands for its value. */
export type Attempt = <T>(property: string, read: () => T, fallback: T) => T;

/** The tree that the flat lists make. */
export function readFlatBody(record: Json, texts: Texts, attempt: Attempt): PartPlan {
  const text = attempt('textBody', () => readSingle(record, 'textBody', 'text/plain', texts), null);
  const html = attempt('htmlBody', () => readSingle(record, 'htmlBody', 'text/html', texts), null);
  const parts = attempt('attachments', () => readAttachments(record, texts), []);
  const related = html === null ? [] : parts.filter(({ json }) => json.disposition === 'inline' && typeof json.cid === 'string');
  const rest = parts.filter((part) => !related.includes(part));
  const rich = html && multipart('related', [html, ...related.map(({ plan }) => plan)]);
  const shown = multipart(
    'alternative',
    [text, rich].filter((part) => part !== null),
  );
  return multipart('mixed', [...(shown ? [shown] : []), ...rest.map(({ plan }) => plan)]) ?? emptyText();
}

function readAttachments(record: Json, texts: Texts): { json: Json; plan: PartPlan }[] {
  const list = nullable(arrayOf(readObject))(own(record, 'attachments'), 'attachments') ?? [];
  if (list.length > PARTS_MAX) throw new ShapeError('attachments', 'has too many parts');
  return list.map((json, index) => ({ json, plan: readLeaf(json, `attachments/${index}`, texts, null, NONE, 'attachment') }));
}

/** One part stands for itself, several go into a multipart, none is null. */
function multipart(subtype: string, parts: PartPlan[]): PartPlan | null {
  const [only] = parts;
  if (parts.length <= 1) return only ?? null;
  return { type: `multipart/${subtype}`, parameters: [], fields: [], content: { parts } };
}

function emptyText(): PartPlan {
  return { type: 'text/plain', parameters: [], fields: [], content: { text: '' } };
}

function readSingle(record: Json, name: string, type: string, texts: Texts): PartPlan | null {
  const list = nullable(arrayOf(readObject))(own(record, name), name);
  if (list === null) return null;
  const [json] = list;
  if (list.length !== 1 || json === undefined) throw new ShapeError(name, 'must have exactly one part');
  const plan = readLeaf(json, `${name}/0`, texts, type, NONE);
  if (plan.type !== type) throw new ShapeError(`${name}/0/type`, `must be ${type}`);
  return plan;
}

function readLeaf(
  json: Json,
  path: string,
  texts: Texts,
  defaultType: string | null,
  taken: ReadonlySet<string>,
  defaultDisposition: string | null = null,
): PartPlan {
  const partId = nullable(readString)(own(json, 'partId'), `${path}/partId`);
  const blobId = nullable(readString)(own(json, 'blobId'), `${path}/blobId`);
  if (partId !== null && blobId !== null) throw new ShapeError(`${path}/blobId`, 'cannot stand beside partId');
  const type = readType(json, path, defaultType ?? (partId === null ? 'application/octet-stream' : 'text/plain'));
  const head = readFields(json, path, taken, defaultDisposition);
  if (blobId !== null) return { ...head, type, content: { blobId } };
  const text = partId === null ? undefined : texts.get(partId);
  if (text === undefined) throw new ShapeError(`${path}/partId`, 'must be in bodyValues, or a blobId given');
  for (const name of ['charset', 'size'])
    if (own(json, name) != null) throw new ShapeError(`${path}/${name}`, 'must be left out with partId');
  const fields = type === null ? head.fields.map((field) => withCharset(field, path)) : head.fields;
  return { ...head, fields, type, content: { text } };
}

/** A Content-Type that the client wrote for a text of bodyValues, which is stored as UTF-8: a charset is ours to name (RFC 8621 §4.6). */
function withCharset(field: string, path: string): string {
  if (!/^content-type:\s*text\//i.test(field)) return field;
  if (!/;\s*charset\b/i.test(field)) return `${field.trimEnd()}; charset=utf-8`;
  if (/;\s*charset\s*=\s*"?utf-?8\b/i.test(field)) return field;
  throw new ShapeError(`${path}/header:Content-Type`, 'must name no charset with partId');
}

/** The media type; null when the client writes the Content-Type field itself. */
function readType(json: Json, path: string, fallback: string | null): string | null {
  const written = Object.keys(json).find((name) => /^header:content-type(:|$)/i.test(name) && json[name] !== null);
  const type = nullable(readString)(own(json, 'type'), `${path}/type`)?.toLowerCase() ?? null;
  if (written !== undefined && type !== null) throw new ShapeError(`${path}/${written}`, 'says what type says');
  if (written !== undefined) return null;
  if (type !== null && !TYPE.test(type)) throw new ShapeError(`${path}/type`, 'must be a media type');
  return type ?? fallback ?? 'text/plain';
}

/** The part's own fields from its properties. */
function readFields(json: Json, path: string, taken: ReadonlySet<string>, defaultDisposition: string | null = null) {
  const text = (name: string) => readPartText(json, name, path);
  const [name, charset, cid, location] = [text('name'), text('charset'), text('cid'), text('location')];
  const disposition = text('disposition') ?? (name === null ? defaultDisposition : (defaultDisposition ?? 'attachment'));
  const language = nullable(arrayOf(readString))(own(json, 'language'), `${path}/language`);
  if (disposition !== null && !/^[a-z0-9-]{1,40}$/i.test(disposition)) throw new ShapeError(`${path}/disposition`, 'must be a token');
  if (language?.some((tag) => !/^[A-Za-z0-9-]{1,60}$/.test(tag))) throw new ShapeError(`${path}/language`, 'must be language tags');
  if (cid !== null && /[\s<>]/.test(cid)) throw new ShapeError(`${path}/cid`, 'must be a content id');
  const fields = [
    ...(disposition === null
      ? []
      : [structured('Content-Disposition', disposition, name === null ? [] : encodeParameter('filename', name))]),
    ...(cid === null ? [] : [`Content-ID: <${cid}>`]),
    ...(language === null || language.length === 0 ? [] : [`Content-Language: ${language.join(', ')}`]),
    ...(location === null ? [] : [foldField('Content-Location', location)]),
  ];
  const named = new Set([...fields.map(fieldName), ...taken]);
  for (const [property, value] of Object.entries(json)) {
    if (PART_PROPERTIES.includes(property)) continue;
    fields.push(...ownField(property, value, path, named));
  }
  const parameters = [
    ...(charset === null ? [] : encodeParameter('charset', charset)),
    ...(name === null ? [] : encodeParameter('name', name)),
  ];
  return { fields, parameters };
}

function ownField(property: string, value: unknown, path: string, named: Set<string>): string[] {
  if (!property.startsWith('header:')) throw new ShapeError(`${path}/${property}`, 'is not known');
  const { name } = headerOf(property);
  if (named.has(name)) throw new ShapeError(`${path}/${property}`, 'is set twice');
  if (name === 'content-transfer-encoding') throw new ShapeError(`${path}/${property}`, 'is ours to choose');
  named.add(name);
  return writeProperty(property, value);
}

function readPartText(json: Json, name: string, path: string): string | null {
  const text = nullable(readString)(own(json, name), `${path}/${name}`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
  if (text !== null && (/[\u0000-\u001f\u007f]/.test(text) || text.length > 1000))
    throw new ShapeError(`${path}/${name}`, 'must be one short line');
  return text;
}

/** `Name: value; a=b; c=d`, each parameter on a line of its own when they do not fit on one. */
export function structured(name: string, value: string, parameters: readonly string[]): string {
  const oneLine = [`${name}: ${value}`, ...parameters].join('; ');
  return oneLine.length <= 78 ? oneLine : [`${name}: ${value}`, ...parameters].join(';\r\n ');
}

/** The name of a finished field, lower case. */
export function fieldName(field: string): string {
  return field.slice(0, field.indexOf(':')).toLowerCase();
}
