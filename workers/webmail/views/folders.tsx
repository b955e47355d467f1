/** The column of folders, with what is unread, and below it the settings. On a narrow screen it is a drawer. */
import { useSignal } from '@preact/signals';
import { Fragment } from 'preact';
import type { Mailbox } from '../jmap/types.ts';
import { complain } from '../state/actions.ts';
import { write } from '../state/compose.ts';
import type { FolderRow } from '../state/folder-order.ts';
import { byRole, createFolder, currentMailbox, folderName, folderRows } from '../state/mailboxes.ts';
import { formatRoute } from '../state/place.ts';
import { prefer, preferences } from '../state/preferences.ts';
import { route } from '../state/route.ts';
import { who } from '../state/session.ts';
import { LOCALES, language, t, tn } from '../text/messages.ts';
import { IconButton } from './button.tsx';
import { folderIcon, Icon } from './icon.tsx';
import { SettingsMenu } from './settings.tsx';
import { drawerOpen } from './shell.tsx';

const STARRED = 'is:starred';

export function Folders() {
  const closeDrawer = () => {
    drawerOpen.value = false;
  };
  return (
    <nav class="pane folders" aria-label={t('folders.label')} data-testid="folders">
      <div class="folders-head">
        <IconButton
          icon="sidebar"
          label={t(preferences.value.foldersHidden ? 'action.expand' : 'action.collapse')}
          onClick={() => {
            if (drawerOpen.value) closeDrawer();
            else prefer({ foldersHidden: true });
          }}
        />
        <span class="wordmark">{t('app.name')}</span>
      </div>
      <button
        type="button"
        class="button primary compose-button"
        title={`${t('action.compose')} (c)`}
        data-testid="compose-button"
        onClick={() => void write()}
      >
        <Icon name="write" />
        {t('action.compose')}
      </button>
      <ul class="folder-list">
        {folderRows.value.map((row) => (
          <Fragment key={row.mailbox.id}>
            <FolderItem {...row} onOpen={closeDrawer} />
            {row.mailbox.role === 'inbox' && !byRole('flagged') && <StarredItem onOpen={closeDrawer} />}
          </Fragment>
        ))}
        <NewFolder />
      </ul>
      <div class="folders-foot">
        <span class="account" title={who.value.address}>
          {who.value.address}
        </span>
        <SettingsMenu />
      </div>
    </nav>
  );
}

/** Drafts count all of theirs: each waits for something. The others count what is unread. */
function countOf({ role, totalThreads, unreadThreads }: Mailbox): number {
  if (role === 'drafts') return totalThreads;
  return role === 'trash' || role === 'sent' ? 0 : unreadThreads;
}

function FolderItem({ mailbox, depth, onOpen }: FolderRow & { onOpen: () => void }) {
  const count = countOf(mailbox);
  const current = route.value.search === null && currentMailbox.value?.id === mailbox.id;
  const folder = mailbox.role === 'inbox' ? null : mailbox.id;
  return (
    <li>
      <a
        class={count > 0 && mailbox.role !== 'drafts' ? 'folder has-unread' : 'folder'}
        style={{ paddingInlineStart: `${12 + depth * 16}px` }}
        href={formatRoute({ folder, search: null, thread: null })}
        aria-current={current ? 'page' : undefined}
        data-testid={`folder-${mailbox.role ?? mailbox.id}`}
        onClick={onOpen}
      >
        <Icon name={folderIcon(mailbox.role)} />
        <span class="folder-name">{folderName(mailbox)}</span>
        {count > 0 && (
          <span class="count" title={mailbox.role === 'drafts' ? undefined : tn('folders.unread', count)}>
            {count.toLocaleString(LOCALES[language.value])}
          </span>
        )}
      </a>
    </li>
  );
}

/** Starred mail of every folder is a search, not a folder. */
function StarredItem({ onOpen }: { onOpen: () => void }) {
  return (
    <li>
      <a
        class="folder"
        href={formatRoute({ folder: null, search: STARRED, thread: null })}
        aria-current={route.value.search === STARRED ? 'page' : undefined}
        onClick={onOpen}
      >
        <Icon name="flagged" />
        <span class="folder-name">{t('folder.flagged')}</span>
      </a>
    </li>
  );
}

function NewFolder() {
  const naming = useSignal(false);
  const name = useSignal('');
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      if (name.value.trim()) await createFolder(name.value.trim());
      naming.value = false;
      name.value = '';
    } catch (error) {
      complain(error);
    }
  };
  if (!naming.value) {
    return (
      <li>
        <button
          type="button"
          class="folder quiet-folder"
          onClick={() => {
            naming.value = true;
          }}
        >
          <Icon name="plus" />
          <span class="folder-name">{t('folders.new')}</span>
        </button>
      </li>
    );
  }
  return (
    <li>
      <form class="new-folder" onSubmit={submit}>
        <input
          ref={(input) => input?.focus()}
          aria-label={t('folders.name')}
          placeholder={t('folders.name')}
          maxLength={100}
          value={name.value}
          onInput={(event) => {
            name.value = event.currentTarget.value;
          }}
          onKeyDown={(event) => {
            if (event.key !== 'Escape') return;
            event.preventDefault();
            naming.value = false;
          }}
        />
        <IconButton icon="check" label={t('folders.create')} onClick={(event) => void submit(event)} />
      </form>
    </li>
  );
}
