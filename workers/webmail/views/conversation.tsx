/** The reading pane with a conversation open: its subject, its actions, its messages, the way to answer. */
import { useEffect } from 'preact/hooks';
import type { EmailDetail } from '../jmap/types.ts';
import { markRead } from '../state/actions.ts';
import { answer } from '../state/compose.ts';
import { type Conversation, conversation } from '../state/conversation.ts';
import { emailOf, isUnread } from '../state/emails.ts';
import { listing } from '../state/listing.ts';
import { closeThread } from '../state/route.ts';
import { moveCursor, openIndex } from '../state/selection.ts';
import { reopenConversation } from '../state/sync.ts';
import { t, tn } from '../text/messages.ts';
import { plainText } from '../text/names.ts';
import '../style/reading.css';
import { IconButton } from './button.tsx';
import { Icon, type IconName } from './icon.tsx';
import { Message } from './message.tsx';
import { ThreadActions } from './thread-actions.tsx';

export function ConversationPane() {
  const open = conversation.value;
  if (!open) return null;
  return (
    <article class="conversation" key={open.threadId} data-testid="conversation">
      <div class="conversation-bar">
        <span class="back-button">
          <IconButton icon="back" label={t('action.back')} keyName="u" testid="back" onClick={closeThread} />
        </span>
        <ThreadActions threadIds={[open.threadId]} reading />
        <span class="spring" />
        <span class="steps">
          <IconButton icon="up" label={t('action.newer')} keyName="k" disabled={openIndex.value <= 0} onClick={() => moveCursor(-1)} />
          <IconButton
            icon="down"
            label={t('action.older')}
            keyName="j"
            disabled={openIndex.value >= listing.value.total - 1}
            onClick={() => moveCursor(1)}
          />
        </span>
      </div>
      <Content open={open} />
    </article>
  );
}

function Content({ open }: { open: Conversation }) {
  useMarkRead(open);
  if (open.state === 'loading') return <LoadingConversation />;
  if (open.state === 'failed') {
    return (
      <div class="notice" role="alert">
        <p>{t('read.failed')}</p>
        <button type="button" class="button" onClick={reopenConversation}>
          {t('action.retry')}
        </button>
      </div>
    );
  }
  if (open.state === 'gone') return <div class="quiet">{t('read.gone')}</div>;
  const subject = plainText(open.messages.at(-1)?.subject ?? '').trim() || t('list.noSubject');
  const last = open.messages.findLast(({ keywords }) => !keywords.$draft);
  return (
    <div class="conversation-scroll" tabIndex={-1}>
      <header class="conversation-head">
        <h2 data-testid="subject">{subject}</h2>
        {open.messages.length > 1 && <span class="hint">{tn('read.messages', open.messages.length)}</span>}
      </header>
      {open.messages.map((message, index) => (
        <Message
          key={message.id}
          message={message}
          unfolded={open.unfolded.has(message.id)}
          alone={open.messages.length === 1}
          last={index === open.messages.length - 1}
        />
      ))}
      {last && <AnswerBar message={last} />}
    </div>
  );
}

/** What was opened and is shown is read. */
function useMarkRead(open: Conversation): void {
  const unread = open.messages.some((message) => {
    const email = emailOf(message.id);
    return email !== undefined && isUnread(email);
  });
  useEffect(() => {
    if (open.state === 'ready' && unread) void markRead([open.threadId], true, true);
  }, [open.threadId, open.state, open.messages.length]);
}

function AnswerBar({ message }: { message: EmailDetail }) {
  const several = (message.to?.length ?? 0) + (message.cc?.length ?? 0) > 1;
  return (
    <footer class="answer-bar">
      <Answer icon="reply" label={t('action.reply')} keyName="r" testid="reply" onClick={() => void answer('reply', message)} />
      {several && (
        <Answer
          icon="replyAll"
          label={t('action.replyAll')}
          keyName="a"
          testid="reply-all"
          onClick={() => void answer('replyAll', message)}
        />
      )}
      <Answer icon="forward" label={t('action.forward')} keyName="f" testid="forward" onClick={() => void answer('forward', message)} />
    </footer>
  );
}

interface AnswerProps {
  icon: IconName;
  label: string;
  keyName: string;
  testid: string;
  onClick: () => void;
}

function Answer({ icon, label, keyName, testid, onClick }: AnswerProps) {
  return (
    <button type="button" class="button" title={`${label} (${keyName})`} data-testid={testid} onClick={onClick}>
      <Icon name={icon} />
      {label}
    </button>
  );
}

function LoadingConversation() {
  return (
    <div class="conversation-scroll skeleton" aria-busy="true">
      <span class="bone title" />
      <span class="bone short" />
      <span class="bone" />
      <span class="bone" />
      <span class="bone" />
    </div>
  );
}
