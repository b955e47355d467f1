/**
 * The Request object (RFC 8620 §3.3): text → I-JSON → calls, or the problem that refuses the whole.
 * Depth and call count are bounded here; sizes were bounded while the body was read.
 */
import { CALLS_MAX } from './capabilities.ts';
import { duplicateName } from './duplicate-names.ts';
import type { Json, Problem } from './errors.ts';
import { requestProblem } from './errors.ts';
import { isObject } from './readers.ts';

/** Levels of arrays and objects: walks over arguments recurse, and no honest request nests deeper. */
const JSON_DEPTH_MAX = 128;

/** `[name, arguments, method call id]`. */
export type Invocation = [string, Json, string];

export interface JmapRequest {
  using: string[];
  methodCalls: Invocation[];
  /** Null when the request has none: then the response has none either. */
  createdIds: Map<string, string> | null;
}

/**
 * Parses I-JSON (RFC 7493): syntax, lone surrogates, duplicate names, numbers no double can hold, and depth. Noncharacters
 * (§2.1) pass, because mail has them and a draft must not be lost for one.
 */
export function parseIJson(text: string): { value: unknown } | { problem: Problem } {
  try {
    const value: unknown = JSON.parse(text);
    const fault = faultOf(value) ?? duplicateFault(text);
    return fault === null ? { value } : { problem: requestProblem('notJSON', fault) };
  } catch {
    return { problem: requestProblem('notJSON', 'The request is not valid JSON.') };
  }
}

/** Reads a Request; `supported` are the capabilities of the session. */
export function readRequest(value: unknown, supported: ReadonlySet<string>): JmapRequest | { problem: Problem } {
  if (!isObject(value) || !isStrings(value.using) || !Array.isArray(value.methodCalls)) return notRequest();
  const calls: unknown[] = value.methodCalls;
  if (!calls.every(isInvocation)) return notRequest();
  const createdIds = readCreatedIds(value.createdIds);
  if (createdIds === undefined) return notRequest();
  const unknown = value.using.find((capability) => !supported.has(capability));
  if (unknown !== undefined) return { problem: requestProblem('unknownCapability', `This server does not support ${unknown}.`) };
  if (calls.length > CALLS_MAX)
    return { problem: requestProblem('limit', `At most ${CALLS_MAX} method calls are processed in a request.`, 'maxCallsInRequest') };
  return { using: value.using, methodCalls: calls, createdIds };
}

function notRequest(): { problem: Problem } {
  return { problem: requestProblem('notRequest', 'The JSON is not a Request object (RFC 8620 section 3.3).') };
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isInvocation(value: unknown): value is Invocation {
  return Array.isArray(value) && value.length === 3 && typeof value[0] === 'string' && isObject(value[1]) && typeof value[2] === 'string';
}

/** Undefined when it is there and is no map of ids. */
function readCreatedIds(value: unknown): Map<string, string> | null | undefined {
  if (value === undefined || value === null) return null;
  if (!isObject(value) || !isStrings(Object.values(value))) return undefined;
  return new Map(Object.entries(value) as [string, string][]);
}

function duplicateFault(text: string): string | null {
  const name = duplicateName(text);
  return name === null ? null : `An object has the name ${JSON.stringify(name.slice(0, 100))} twice (RFC 7493 section 2.3).`;
}

/** Walks level by level, so that depth costs no stack. */
function faultOf(root: unknown): string | null {
  let level: unknown[] = [root];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > JSON_DEPTH_MAX) return 'The JSON is nested too deeply.';
    const next: unknown[] = [];
    for (const value of level) {
      if (typeof value === 'string' && !value.isWellFormed()) return 'A string holds a lone surrogate (RFC 7493 section 2.1).';
      if (typeof value === 'number' && !Number.isFinite(value)) return 'A number is out of range (RFC 7493 section 2.2).';
      if (typeof value !== 'object' || value === null) continue;
      for (const key of Object.keys(value)) {
        if (!key.isWellFormed()) return 'A name holds a lone surrogate (RFC 7493 section 2.1).';
        next.push((value as Json)[key]);
      }
    }
    level = next;
  }
  return null;
}
