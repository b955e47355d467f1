/** The EmailBodyPart object (RFC 8621 §4.1.4), from the tree of the index; header fields only when they are asked for. */

import type { BodyNode } from '../../mime/bodylists.ts';
import type { HeaderField } from '../../mime/headers.ts';
import type { Part } from '../../mime/index-types.ts';
import { decodeParameter } from '../../mime/parameters.ts';
import type { Json } from '../errors.ts';
import { headerList, headerPropertyValue } from './header-values.ts';
import type { PropertyPlan } from './properties.ts';

/** What a part's object needs beyond its node. */
export interface PartFacts {
  blobIdOf(part: Part): string;
  /** The part's own header fields; empty when the plan asks for none. */
  headersOf(part: Part): readonly HeaderField[];
}

/** True when a plan needs header fields of the parts themselves. */
export function needsPartHeaders(plan: PropertyPlan): boolean {
  return plan.headers.length > 0 || plan.plain.has('headers');
}

/** Octets of a part after its transfer encoding is undone. */
export function decodedSize(part: Part): number {
  return part.decodedSize ?? part.end - part.bodyStart;
}

type PartProperty = (node: BodyNode, facts: PartFacts, plan: PropertyPlan) => unknown;

const PROPERTIES: Record<string, PartProperty> = {
  partId: (node) => node.partId,
  blobId: (node, facts) => (node.partId === null ? null : facts.blobIdOf(node.part)),
  size: (node) => decodedSize(node.part),
  headers: (node, facts) => headerList(facts.headersOf(node.part)),
  name: (node) => node.name,
  type: (node) => node.type,
  charset: (node) => charsetOf(node.part),
  disposition: (node) => node.disposition,
  cid: (node) => contentId(node.part.id),
  language: (node) => node.part.language ?? null,
  location: (node) => node.part.location ?? null,
};

/** The object; `subParts` are there in bodyStructure only (`withChildren`). */
export function partObject(node: BodyNode, facts: PartFacts, plan: PropertyPlan, withChildren: boolean): Json {
  const object: Json = {};
  for (const name of plan.plain) {
    const property = Object.hasOwn(PROPERTIES, name) ? PROPERTIES[name] : undefined;
    if (property) object[name] = property(node, facts, plan);
  }
  for (const header of plan.headers) object[header.property] = headerPropertyValue(facts.headersOf(node.part), header);
  if (withChildren && node.partId === null) object.subParts = node.children.map((child) => partObject(child, facts, plan, true));
  else if (plan.plain.has('subParts')) object.subParts = null;
  return object;
}

/** RFC 8621 §4.1.4: `us-ascii` is implied for text, nothing for the rest. */
function charsetOf(part: Part): string | null {
  return decodeParameter(part.parameters, 'charset') ?? (part.type === 'text' ? 'us-ascii' : null);
}

/** The content id without CFWS and angle brackets. */
function contentId(id: string | undefined): string | null {
  if (id === undefined) return null;
  return /<([^<>]*)>/.exec(id)?.[1]?.trim() ?? id.trim();
}
