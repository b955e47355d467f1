/**
 * Mailbox roles: JMAP names them (RFC 8621 §2), IMAP marks them as special-use attributes
 * (RFC 6154 §2). Inbox is a role in JMAP and a name in IMAP.
 */
export const ROLES = ['inbox', 'drafts', 'sent', 'archive', 'junk', 'trash', 'flagged', 'important', 'all'] as const;
export type Role = (typeof ROLES)[number];

/** The mailboxes every account is born with, in the order people see them. */
export const DEFAULT_MAILBOXES: readonly { name: string; role: Role }[] = [
  { name: 'Inbox', role: 'inbox' },
  { name: 'Drafts', role: 'drafts' },
  { name: 'Sent', role: 'sent' },
  { name: 'Archive', role: 'archive' },
  { name: 'Junk', role: 'junk' },
  { name: 'Trash', role: 'trash' },
];

const SPECIAL_USE: Partial<Record<Role, string>> = {
  drafts: '\\Drafts',
  sent: '\\Sent',
  archive: '\\Archive',
  junk: '\\Junk',
  trash: '\\Trash',
  flagged: '\\Flagged',
  important: '\\Important',
  all: '\\All',
};

/** The special-use attribute of a role; undefined for `inbox` and for what is no role. */
export function specialUse(role: string | null): string | undefined {
  return role === null ? undefined : SPECIAL_USE[role as Role];
}

/** The role of a special-use attribute, without regard to case; undefined when there is none. */
export function roleOfSpecialUse(attribute: string): Role | undefined {
  const wanted = attribute.toLowerCase();
  return ROLES.find((role) => SPECIAL_USE[role]?.toLowerCase() === wanted);
}
