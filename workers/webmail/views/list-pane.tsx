/** The middle pane: search field, what the list is of (or what is selected), the rows. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { listing } from '../state/listing.ts';
import { currentMailbox, folderName } from '../state/mailboxes.ts';
import { prefer, preferences } from '../state/preferences.ts';
import { go, route } from '../state/route.ts';
import { clearSelection, cursor, selected } from '../state/selection.ts';
import { refresh, reopenList } from '../state/sync.ts';
import { t, tn } from '../text/messages.ts';
import { IconButton } from './button.tsx';
import { EmptyList } from './empty-list.tsx';
import { Icon } from './icon.tsx';
import { drawerOpen } from './shell.tsx';
import { ThreadActions } from './thread-actions.tsx';
import { VirtualList } from './virtual-list.tsx';

export function ListPane() {
  const { key, state, total } = listing.value;
  useEffect(() => {
    cursor.value = -1;
    clearSelection();
  }, [key]);
  return (
    <section class="pane list-pane" aria-label={t('list.label')}>
      <div class="list-top">
        <span class="drawer-button">
          <IconButton
            icon="menu"
            label={t('folders.label')}
            onClick={() => {
              if (matchMedia('(min-width: 1100px)').matches) prefer({ foldersHidden: !preferences.value.foldersHidden });
              else drawerOpen.value = true;
            }}
          />
        </span>
        <SearchField />
      </div>
      <ListHead />
      {state === 'failed' ? <ListFailed /> : state === 'ready' && total === 0 ? <EmptyList /> : <VirtualList key={key} />}
    </section>
  );
}

function ListHead() {
  const { total, isCounted, state } = listing.value;
  const { search } = route.value;
  const mailbox = currentMailbox.value;
  const chosen = [...selected.value];
  if (chosen.length > 0) {
    return (
      <div class="list-head selecting" data-testid="selection-bar">
        <IconButton icon="close" label={t('action.clear')} keyName="Esc" onClick={clearSelection} />
        <span class="list-title">{tn('list.selected', chosen.length)}</span>
        <ThreadActions threadIds={chosen} />
      </div>
    );
  }
  return (
    <div class="list-head">
      <h1 class="list-title" title={search ?? undefined}>
        {search !== null ? t('search.title') : mailbox ? folderName(mailbox) : ' '}
      </h1>
      <span class="hint list-total">{state === 'ready' && isCounted && total > 0 ? tn('list.conversations', total) : ''}</span>
      <IconButton icon="refresh" label={t('action.refresh')} onClick={() => void refresh()} />
    </div>
  );
}

function SearchField() {
  const { search } = route.value;
  const text = useSignal(search ?? '');
  useEffect(() => {
    text.value = search ?? '';
  }, [search]);
  return (
    <search class="search-field">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const query = text.value.trim();
          go({ search: query || null, thread: null });
          (document.activeElement as HTMLElement | null)?.blur();
        }}
      >
        <Icon name="search" />
        <input
          type="search"
          name="search"
          data-testid="search"
          aria-label={t('action.search')}
          placeholder={t('search.placeholder')}
          title={`${t('action.search')} (/)`}
          autocomplete="off"
          enterkeyhint="search"
          maxLength={500}
          value={text.value}
          onInput={(event) => {
            text.value = event.currentTarget.value;
          }}
        />
        {text.value !== '' && (
          <IconButton
            icon="close"
            label={t('search.clear')}
            onClick={() => {
              text.value = '';
              go({ search: null, thread: null });
            }}
          />
        )}
      </form>
    </search>
  );
}

function ListFailed() {
  return (
    <div class="notice" role="alert">
      <p>{t('list.failed')}</p>
      <button type="button" class="button" onClick={reopenList}>
        {t('action.retry')}
      </button>
    </div>
  );
}
