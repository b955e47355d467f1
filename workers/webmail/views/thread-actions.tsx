/** The actions on whole conversations, the same for a selection and for the one that is open. */
import type { Id } from '../jmap/types.ts';
import { archive, markRead, moveTo, reportJunk, star } from '../state/actions.ts';
import { currentMailbox, folderName, folderRows } from '../state/mailboxes.ts';
import { go } from '../state/route.ts';
import { t } from '../text/messages.ts';
import { IconButton } from './button.tsx';
import { removeAsking } from './confirm.tsx';
import { Menu, MenuItem } from './menu.tsx';

export function ThreadActions({ threadIds, reading = false }: { threadIds: Id[]; reading?: boolean }) {
  const role = currentMailbox.value?.role;
  const inTrash = role === 'trash';
  return (
    <div class="actions" role="toolbar" aria-label={t('action.menu')}>
      {role !== 'archive' && (
        <IconButton icon="archive" label={t('action.archive')} keyName="e" testid="archive" onClick={() => void archive(threadIds)} />
      )}
      <IconButton
        icon="trash"
        label={t(inTrash ? 'action.deleteForever' : 'action.delete')}
        keyName="#"
        danger={inTrash}
        testid="delete"
        onClick={() => removeAsking(threadIds)}
      />
      <IconButton
        icon="unread"
        label={t('action.markUnread')}
        keyName="Shift+U"
        testid="mark-unread"
        onClick={() => {
          if (reading) go({ thread: null }, true);
          void markRead(threadIds, false);
        }}
      />
      <Menu icon="move" label={t('action.move')} testid="move">
        {(close) =>
          folderRows.value
            .filter(({ mailbox }) => mailbox.id !== currentMailbox.value?.id && mailbox.role !== 'drafts')
            .map(({ mailbox }) => (
              <MenuItem
                key={mailbox.id}
                label={folderName(mailbox)}
                onClick={() => {
                  close();
                  void moveTo(threadIds, mailbox);
                }}
              />
            ))
        }
      </Menu>
      <Menu icon="more" label={t('action.more')} testid="more">
        {(close) => (
          <>
            <MenuItem
              label={t('action.star')}
              onClick={() => {
                close();
                void star(threadIds);
              }}
            />
            <MenuItem
              label={t('action.markRead')}
              onClick={() => {
                close();
                void markRead(threadIds, true);
              }}
            />
            <MenuItem
              label={t(role === 'junk' ? 'action.notJunk' : 'action.junk')}
              onClick={() => {
                close();
                void reportJunk(threadIds);
              }}
            />
          </>
        )}
      </Menu>
    </div>
  );
}
