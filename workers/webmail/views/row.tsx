/** One conversation in the list: who, when, what about, and how it begins; its quick actions when pointed at. */
import { useRef } from 'preact/hooks';
import type { EmailSummary, Id } from '../jmap/types.ts';
import { archive, markRead, star } from '../state/actions.ts';
import { emailOf, emailsOfRow, emailsOfThread, isStarred, isUnread } from '../state/emails.ts';
import { currentMailbox } from '../state/mailboxes.ts';
import { route } from '../state/route.ts';
import { cursor, selected, toggleSelected } from '../state/selection.ts';
import { LOCALES, language, t, tn } from '../text/messages.ts';
import { plainText } from '../text/names.ts';
import { exactTime, shortTime } from '../text/time.ts';
import { Avatar } from './avatar.tsx';
import { IconButton } from './button.tsx';
import { removeAsking } from './confirm.tsx';
import { Icon } from './icon.tsx';
import { openRow, rowHref } from './open-row.ts';
import { correspondents, mainCorrespondent } from './people.ts';
import { useSwipe } from './swipe.ts';

interface Props {
  emailId: Id;
  index: number;
  top: number;
  total: number;
}

export function Row({ emailId, index, top, total }: Props) {
  const element = useRef<HTMLLIElement>(null);
  const email = emailOf(emailId);
  const threadId = email?.threadId ?? '';
  useSwipe(element, { left: () => void archive([threadId]), right: () => void markRead([threadId], true) });
  if (!email) return <SkeletonRow top={top} />;
  const members = emailsOfRow(threadId, currentMailbox.value?.id);
  const shown = members.length > 0 ? members : [email];
  const unread = shown.some(isUnread);
  const isSelected = selected.value.has(threadId);
  const open = route.value.thread === threadId;
  const classes = ['row', unread && 'unread', open && 'open', isSelected && 'selected', cursor.value === index && 'cursor'];
  return (
    <li
      ref={element}
      class={classes.filter(Boolean).join(' ')}
      style={{ transform: `translateY(${top}px)` }}
      data-testid="conversation-row"
      data-index={index}
      data-thread={threadId}
      aria-setsize={total}
      aria-posinset={index + 1}
    >
      <div class="swipe-under" aria-hidden="true">
        <Icon name="read" />
        <Icon name="archive" />
      </div>
      <div class="row-face">
        <button
          type="button"
          class="row-mark"
          aria-pressed={isSelected}
          aria-label={t('action.select')}
          title={`${t('action.select')} (x)`}
          onClick={() => {
            cursor.value = index;
            toggleSelected(threadId);
          }}
        >
          <Avatar address={mainCorrespondent(email, shown)} />
          <span class="tick">
            <Icon name="check" />
          </span>
        </button>
        <RowText email={email} members={shown} unread={unread} index={index} open={open} />
        <RowButtons threadId={threadId} unread={unread} starred={shown.some(isStarred)} />
      </div>
    </li>
  );
}

function RowText({
  email,
  members,
  unread,
  index,
  open,
}: {
  email: EmailSummary;
  members: EmailSummary[];
  unread: boolean;
  index: number;
  open: boolean;
}) {
  const locale = LOCALES[language.value];
  const latest = members.reduce((a, b) => (a.receivedAt > b.receivedAt ? a : b), email);
  const count = emailsOfThread(email.threadId).length;
  const subject = plainText(email.subject ?? '').trim() || t('list.noSubject');
  const states = [
    unread && t('list.unread'),
    members.some(isStarred) && t('list.starred'),
    members.some((one) => one.hasAttachment) && t('list.attachment'),
  ];
  return (
    <a
      class="row-link"
      href={rowHref(email.threadId)}
      aria-current={open ? 'true' : undefined}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return;
        event.preventDefault();
        cursor.value = index;
        openRow(email.id);
      }}
    >
      <span class="visually-hidden">{states.filter(Boolean).join(', ')}</span>
      <span class="row-who">
        <span class="row-names">{correspondents(members)}</span>
        {count > 1 && (
          <span class="row-count" title={tn('read.messages', count)}>
            {count}
          </span>
        )}
      </span>
      <span class="row-what">
        <span class="row-subject">{subject}</span>
        <span class="row-preview">{plainText(email.preview)}</span>
      </span>
      <span class="row-when">
        {members.some((one) => one.hasAttachment) && <Icon name="clip" />}
        <time dateTime={latest.receivedAt} title={exactTime(latest.receivedAt, locale)}>
          {shortTime(latest.receivedAt, locale)}
        </time>
      </span>
    </a>
  );
}

function RowButtons({ threadId, unread, starred }: { threadId: Id; unread: boolean; starred: boolean }) {
  return (
    <div class="row-buttons">
      <span class="on-hover">
        <IconButton icon="archive" label={t('action.archive')} keyName="e" onClick={() => void archive([threadId])} />
        <IconButton icon="trash" label={t('action.delete')} keyName="#" onClick={() => removeAsking([threadId])} />
        <IconButton
          icon={unread ? 'read' : 'unread'}
          label={t(unread ? 'action.markRead' : 'action.markUnread')}
          keyName={unread ? 'Shift+I' : 'Shift+U'}
          onClick={() => void markRead([threadId], unread)}
        />
      </span>
      <span class={starred ? 'star on' : 'star on-hover'}>
        <IconButton
          icon="flagged"
          label={t(starred ? 'action.unstar' : 'action.star')}
          keyName="s"
          pressed={starred}
          filled={starred}
          onClick={() => void star([threadId])}
        />
      </span>
    </div>
  );
}

/** Where a row will be. It becomes visible only when the wait is long enough to be noticed (150 ms, in the style). */
export function SkeletonRow({ top }: { top: number }) {
  return (
    <li class="row skeleton" style={{ transform: `translateY(${top}px)` }} aria-hidden="true">
      <span class="bone round" />
      <span class="bones">
        <span class="bone short" />
        <span class="bone" />
      </span>
    </li>
  );
}
