/** One set of icons: 20 px, strokes of 1.5 px, drawn here. A word beside or a label on the button says what each means. */
const PATHS = {
  inbox: 'M3 11.5 5 4h10l2 7.5V16H3zM3 11.5h4l1 2h4l1-2h4',
  flagged: 'm10 3 2.2 4.5 4.9.7-3.5 3.4.8 4.9L10 14.2l-4.4 2.3.8-4.9L2.9 8.2l4.9-.7z',
  important: 'M4 5h8l4 5-4 5H4l3-5z',
  drafts: 'M11 3H5v14h10V7zM11 3v4h4M7.5 11h5M7.5 14h3',
  sent: 'm3 4 14 6-14 6 2-6zM5 10h5',
  archive: 'M3 4h14v3.5H3zM4 7.5V16h12V7.5M8 11h4',
  junk: 'M10 3 17 6v4c0 3.5-3 6-7 7.5C6 16 3 13.5 3 10V6zM10 7v3.5M10 13.2v.1',
  trash: 'M4 5.5h12M8 5.5V3.5h4v2M5.5 5.5l.7 11h7.6l.7-11M8.5 8.5l.2 5M11.5 8.5l-.2 5',
  all: 'M3 6h14M3 10h14M3 14h14',
  folder: 'M3 5h5l1.5 2H17v8.5H3z',
  menu: 'M3 5.5h14M3 10h14M3 14.5h14',
  search: 'M9 3.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM13 13l4 4',
  write: 'm12.5 4 3.5 3.5L7.5 16H4v-3.5zM10.5 6 14 9.5',
  back: 'M12.5 4 6.5 10l6 6',
  next: 'M7.5 4l6 6-6 6',
  down: 'M4.5 7.5 10 13l5.5-5.5',
  up: 'M4.5 12.5 10 7l5.5 5.5',
  close: 'M5 5l10 10M15 5 5 15',
  reply: 'M8 5 3.5 9.5 8 14M3.5 9.5H12c3 0 4.5 2 4.5 5.5',
  replyAll: 'M9.500 5 5 9.500 9.500 14M6 5 1.500 9.500 6 14M5 9.500h7.500c3 0 4.500 2 4.500 5.500',
  forward: 'M12 5l4.500 4.500L12 14M16.500 9.500H8c-3 0-4.500 2-4.500 5.500',
  clip: 'M14.5 9 9.200 14.300a3 3 0 0 1-4.300-4.300l6-6a2 2 0 0 1 2.900 2.900l-5.700 5.700a1 1 0 0 1-1.500-1.500L11.500 6.200',
  check: 'm4.500 10.500 3.500 3.500 7.500-8',
  unread: 'M3 5h14v10H3zM3 5.500l7 5.500 7-5.500',
  read: 'M3 8.500 10 4l7 4.500V16H3zM3 8.800l7 4.700 7-4.700',
  move: 'M3 5h5l1.500 2H17v8.500H3zM7.500 11.200h5M10.800 9.200l2 2-2 2',
  settings: 'M4 6h6M14 6h2M12 4.500v3M4 14h2M10 14h6M8 12.500v3M4 10h9M17 10h-1M14.500 8.500v3',
  keyboard: 'M2.500 5.500h15v9h-15zM5.500 8.500h.1M8.500 8.500h.1M11.500 8.500h.1M14.500 8.500h.1M6.500 11.500h7',
  logout: 'M8 4H4v12h4M12.500 6.500 16 10l-3.500 3.500M16 10H8',
  more: 'M4.2 10a.8.8 0 1 0 1.600 0 .8.8 0 1 0-1.600 0M9.200 10a.8.8 0 1 0 1.600 0 .8.8 0 1 0-1.600 0M14.200 10a.8.8 0 1 0 1.600 0 .8.8 0 1 0-1.600 0',
  refresh: 'M16 10a6 6 0 1 1-2-4.500M16 3.500V7h-3.500',
  image: 'M3 4h14v12H3zM3 13.500l4-4 3.500 3.500 2.500-2.500 4 4M12.500 7.500h.1',
  download: 'M10 3v9.500M6 9l4 4 4-4M4 16.500h12',
  plus: 'M10 4v12M4 10h12',
  eye: 'M2.500 10S5.500 5 10 5s7.500 5 7.500 5-3 5-7.500 5-7.500-5-7.500-5zM10 8a2 2 0 1 1 0 4 2 2 0 0 1 0-4z',
  eyeOff: 'M2.500 10S5.500 5 10 5s7.500 5 7.500 5-3 5-7.500 5-7.500-5-7.500-5zM4 16 16 4',
  sidebar: 'M3 4h14v12H3zM8 4v12',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, filled = false }: { name: IconName; filled?: boolean }) {
  return (
    <svg class={filled ? 'icon filled' : 'icon'} viewBox="0 0 20 20" width="20" height="20" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

const ROLE_ICONS: Record<string, IconName> = {
  inbox: 'inbox',
  flagged: 'flagged',
  important: 'important',
  drafts: 'drafts',
  sent: 'sent',
  archive: 'archive',
  junk: 'junk',
  trash: 'trash',
  all: 'all',
};

export function folderIcon(role: string | null): IconName {
  return ROLE_ICONS[role ?? ''] ?? 'folder';
}
