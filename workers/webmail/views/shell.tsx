/** The mail's three panes: folders, list, conversation; what floats over them; the bar at a phone's bottom. */
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { composer } from '../state/compose.ts';
import { currentMailbox, folderName } from '../state/mailboxes.ts';
import { preferences } from '../state/preferences.ts';
import { route } from '../state/route.ts';
import { online } from '../state/sync.ts';
import { t } from '../text/messages.ts';
import { BottomBar } from './bottom-bar.tsx';
import { Confirm } from './confirm.tsx';
import { Folders } from './folders.tsx';
import { Help } from './help.tsx';
import { listenForKeys } from './keys.ts';
import { Lazy } from './lazy.tsx';
import { ListPane } from './list-pane.tsx';
import { NoConversation } from './no-conversation.tsx';
import { ToastCorner } from './toast.tsx';

/** The drawer that holds the folders on a narrow screen. */
export const drawerOpen = signal(false);

const loadReader = () => import('./conversation.tsx').then(({ ConversationPane }) => ConversationPane);
const loadComposer = () => import('./compose.tsx').then(({ Compose }) => Compose);

export function Shell() {
  useEffect(() => listenForKeys(), []);
  useEffect(() => {
    // Fetched while nothing else is going on, so that opening a message does not wait for it.
    const idle = setTimeout(() => void loadReader(), 400);
    return () => clearTimeout(idle);
  }, []);
  const mailbox = currentMailbox.value;
  const place = route.value.search ?? (mailbox ? folderName(mailbox) : '');
  const unread = mailbox?.role === 'inbox' && mailbox.unreadThreads > 0 ? `(${mailbox.unreadThreads}) ` : '';
  useEffect(() => {
    document.title = `${unread}${place || t('app.name')} · Posthouse`;
  }, [place, unread]);
  const reading = route.value.thread !== null;
  const classes = ['shell', reading && 'reading', preferences.value.foldersHidden && 'folders-hidden', drawerOpen.value && 'drawer-open'];
  return (
    <div class={classes.filter(Boolean).join(' ')}>
      {!online.value && (
        <div class="banner" role="status" data-testid="offline-banner">
          {t('state.offline')}
        </div>
      )}
      <div class="panes">
        <button
          type="button"
          class="scrim"
          aria-label={t('action.close')}
          tabIndex={-1}
          onClick={() => {
            drawerOpen.value = false;
          }}
        />
        <Folders />
        <ListPane />
        <main class="pane reading-pane" aria-label={t('read.frame')}>
          {reading ? <Lazy load={loadReader} fallback={null} /> : <NoConversation />}
        </main>
      </div>
      <BottomBar />
      {composer.value && <Lazy load={loadComposer} fallback={null} />}
      <ToastCorner />
      <Confirm />
      <Help />
    </div>
  );
}
