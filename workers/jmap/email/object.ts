/**
 * The Email object (RFC 8621 §4.1) from an index row. Listing properties come from the row alone; other
 * header fields and body values are ranges of the original, read once each.
 */

import type { PartFacts } from '../../../shared/jmap/email/body-part.ts';
import { needsPartHeaders, partObject } from '../../../shared/jmap/email/body-part.ts';
import type { EmailBodyValue } from '../../../shared/jmap/email/body-value.ts';
import { BODY_OCTETS_MAX, bodyValue, isFilled } from '../../../shared/jmap/email/body-value.ts';
import { headerList, headerPropertyValue } from '../../../shared/jmap/email/header-values.ts';
import type { EmailPlan } from '../../../shared/jmap/email/properties.ts';
import type { Json } from '../../../shared/jmap/errors.ts';
import { MethodError } from '../../../shared/jmap/errors.ts';
import type { BodyNode } from '../../../shared/mime/bodylists.ts';
import { bodyLists, bodyTree, leaves } from '../../../shared/mime/bodylists.ts';
import type { HeaderField } from '../../../shared/mime/headers.ts';
import { isKeptField, parseHeaderBlock } from '../../../shared/mime/headers.ts';
import type { Part } from '../../../shared/mime/index-types.ts';
import { rawString } from '../../../shared/mime/octets.ts';
import type { Original } from './original.ts';

/** Octets of one header block that are read: what the index captures too. */
const HEADER_OCTETS_MAX = 256 * 1024;
/** Octets of bodies and of header blocks that one call reads in all: its answer is held in memory. */
const CALL_BODY_MAX = 8 * 1024 * 1024;
const CALL_HEADER_MAX = 16 * 1024 * 1024;
/** Octets of a part that are read at least: fewer would not make a read cheaper. */
const OCTETS_READ_MIN = 16 * 1024;
/** Parts whose own header fields one call reads: each is a range read when the original is large. */
const PART_HEADERS_MAX = 100;

/** What one call may still read of originals. Body values are cut when it is used up; header fields cannot be, so the call is refused. */
export class ReadBudget {
  #body = CALL_BODY_MAX;
  #header = CALL_HEADER_MAX;

  /** How many of `octets` of a body may be read. */
  body(octets: number): number {
    const granted = Math.min(octets, this.#body);
    this.#body -= granted;
    return granted;
  }

  header(octets: number): void {
    this.#header -= octets;
    if (this.#header < 0) throw new MethodError('requestTooLarge', 'ask for the header fields of fewer emails');
  }
}

/** The header fields that the index keeps, parsed once. */
export class KeptHeaders {
  /** False when fields were cut, or hold what a NUL was written as (index-types.ts): JMAP drops NUL (RFC 8621 §4.1.2.1). */
  readonly isExact: boolean;
  readonly #block: string;
  #fields: HeaderField[] | null = null;

  constructor(block: string, isComplete: boolean) {
    this.#block = block;
    this.isExact = isComplete && !/(?:^|[\0-\x7f])\x80/.test(block);
  }

  get fields(): HeaderField[] {
    this.#fields ??= parseHeaderBlock(this.#block);
    return this.#fields;
  }
}

/** A message as the object is made from: a stored email, or a blob being parsed. */
export interface EmailSource {
  /** id, blobId, threadId, mailboxIds, keywords, size, receivedAt, hasAttachment, preview. */
  plain: Json;
  kept: KeptHeaders;
  structure: Part;
  original: Original;
  /** The blob id of a part. */
  blobIdOf(part: Part): string;
}

/** The properties that the plan asks for. */
export async function emailObject(source: EmailSource, plan: EmailPlan, budget = new ReadBudget()): Promise<Json> {
  const object: Json = {};
  for (const name of plan.plain) if (Object.hasOwn(source.plain, name)) object[name] = source.plain[name];
  await addHeaders(object, source, plan, budget);
  if (BODY_PROPERTIES.some((name) => plan.plain.has(name))) await addBody(object, source, plan, budget);
  return object;
}

const BODY_PROPERTIES = ['bodyStructure', 'bodyValues', 'textBody', 'htmlBody', 'attachments'];

async function addHeaders(object: Json, source: EmailSource, plan: EmailPlan, budget: ReadBudget): Promise<void> {
  if (plan.headers.length === 0 && !plan.plain.has('headers')) return;
  const isKept = source.kept.isExact && !plan.plain.has('headers') && plan.headers.every(({ name }) => isKeptField(name));
  const fields = isKept ? source.kept.fields : await readHeaders(source, source.structure, budget);
  if (plan.plain.has('headers')) object.headers = headerList(fields);
  for (const header of plan.headers) object[header.property] = headerPropertyValue(fields, header);
}

async function readHeaders({ original }: EmailSource, part: Part, budget: ReadBudget): Promise<HeaderField[]> {
  const length = Math.min(part.bodyStart - part.headerStart, HEADER_OCTETS_MAX);
  budget.header(length);
  return parseHeaderBlock(rawString(await original.read(part.headerStart, length)).replaceAll('\0', ''));
}

async function addBody(object: Json, source: EmailSource, plan: EmailPlan, budget: ReadBudget): Promise<void> {
  const root = bodyTree(source.structure);
  const lists = bodyLists(root);
  const facts = await partFacts(source, root, plan, budget);
  const list = (nodes: readonly BodyNode[]) => nodes.map((node) => partObject(node, facts, plan.part, false));
  if (plan.plain.has('bodyStructure')) object.bodyStructure = partObject(root, facts, plan.part, true);
  if (plan.plain.has('textBody')) object.textBody = list(lists.textBody);
  if (plan.plain.has('htmlBody')) object.htmlBody = list(lists.htmlBody);
  if (plan.plain.has('attachments')) object.attachments = list(lists.attachments);
  if (!plan.plain.has('bodyValues')) return;
  const wanted = [
    ...(plan.fetchAll ? leaves(root) : []),
    ...(plan.fetchText ? lists.textBody : []),
    ...(plan.fetchHtml ? lists.htmlBody : []),
  ];
  object.bodyValues = await bodyValues(source, wanted, plan.maxBodyValueBytes, budget);
}

async function partFacts(source: EmailSource, root: BodyNode, plan: EmailPlan, budget: ReadBudget): Promise<PartFacts> {
  const headers = new Map<Part, HeaderField[]>();
  if (needsPartHeaders(plan.part)) {
    for (const part of allParts(root).slice(0, PART_HEADERS_MAX)) headers.set(part, await readHeaders(source, part, budget));
  }
  return { blobIdOf: source.blobIdOf, headersOf: (part) => headers.get(part) ?? [] };
}

function allParts(node: BodyNode): Part[] {
  return [node.part, ...node.children.flatMap(allParts)];
}

/** Values of the text parts among `nodes`, each once. */
async function bodyValues(
  source: EmailSource,
  nodes: readonly BodyNode[],
  maxBytes: number,
  budget: ReadBudget,
): Promise<Record<string, EmailBodyValue>> {
  const values: Record<string, EmailBodyValue> = {};
  for (const { part, partId } of nodes) {
    if (partId === null || part.type !== 'text' || Object.hasOwn(values, partId)) continue;
    values[partId] = await readValue(source.original, part, maxBytes, budget);
  }
  return values;
}

/** Reads what the value needs: as much as usually gives `maxBytes`, and only when that was too little as much as we ever read. */
async function readValue(original: Original, part: Part, maxBytes: number, budget: ReadBudget): Promise<EmailBodyValue> {
  const length = part.end - part.bodyStart;
  const most = Math.min(length, BODY_OCTETS_MAX);
  const few = maxBytes > 0 ? Math.min(most, OCTETS_READ_MIN + maxBytes * 2) : most;
  const octets = await original.read(part.bodyStart, budget.body(few));
  const value = bodyValue(octets, part, maxBytes, octets.length < length);
  if (few === most || isFilled(value, maxBytes)) return value;
  const all = await original.read(part.bodyStart, octets.length + budget.body(most - octets.length));
  return bodyValue(all, part, maxBytes, all.length < length);
}
