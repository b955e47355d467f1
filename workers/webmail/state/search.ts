/**
 * What people type into the search field, as a JMAP filter (RFC 8621 §4.4.1): `from:anna has:attachment
 * "annual report"`. Words without a known prefix are searched everywhere.
 */
export type Filter = Record<string, unknown>;

const FIELDS = new Set(['from', 'to', 'cc', 'bcc', 'subject', 'body']);
const FLAGS: Record<string, Filter> = {
  'has:attachment': { hasAttachment: true },
  'is:unread': { notKeyword: '$seen' },
  'is:read': { hasKeyword: '$seen' },
  'is:starred': { hasKeyword: '$flagged' },
};
/** Conditions one search may join; more is a paste, not a search. */
const CONDITIONS_MAX = 20;

export function parseSearch(query: string): Filter {
  const conditions: Filter[] = [];
  const words: string[] = [];
  for (const [token] of query.matchAll(/(?:\w+:)?"[^"]*"|\S+/g)) {
    const condition = FLAGS[token.toLowerCase()] ?? fieldCondition(token);
    if (condition) conditions.push(condition);
    else words.push(token);
  }
  if (words.length > 0) conditions.push({ text: words.join(' ') });
  const kept = conditions.slice(0, CONDITIONS_MAX);
  return kept.length === 1 ? (kept[0] ?? {}) : { operator: 'AND', conditions: kept };
}

function fieldCondition(token: string): Filter | null {
  const colon = token.indexOf(':');
  const field = token.slice(0, Math.max(0, colon)).toLowerCase();
  const value = token.slice(colon + 1).replace(/^"(.*)"$/, '$1');
  return FIELDS.has(field) && value ? { [field]: value } : null;
}
