/** One message of a conversation: folded to a line, or with its header, text and attachments. */
import { useSignal } from '@preact/signals';
import type { EmailAddress, EmailDetail } from '../jmap/types.ts';
import { starEmail } from '../state/actions.ts';
import { answer, editDraft } from '../state/compose.ts';
import { toggleFold } from '../state/conversation.ts';
import { emailOf, isStarred } from '../state/emails.ts';
import { jmap } from '../state/session.ts';
import { LOCALES, language, t } from '../text/messages.ts';
import { displayName, plainText, shortName } from '../text/names.ts';
import { exactTime, shortTime } from '../text/time.ts';
import { Attachments } from './attachments.tsx';
import { Avatar } from './avatar.tsx';
import { IconButton } from './button.tsx';
import { Menu, MenuItem } from './menu.tsx';
import { MessageBody } from './message-body.tsx';
import { isMe } from './people.ts';

interface Props {
  message: EmailDetail;
  unfolded: boolean;
  alone: boolean;
  last: boolean;
}

export function Message({ message, unfolded, alone, last }: Props) {
  const from = message.from?.[0] ?? null;
  const name = from ? displayName(from) : t('list.noSender');
  if (!unfolded) return <FoldedMessage message={message} name={name} />;
  return (
    <section class={last ? 'message unfolded last' : 'message unfolded'} aria-label={name} data-testid="message">
      <MessageHead message={message} name={name} foldable={!alone} />
      <Attachments message={message} />
      <MessageBody message={message} />
    </section>
  );
}

function FoldedMessage({ message, name }: { message: EmailDetail; name: string }) {
  const locale = LOCALES[language.value];
  return (
    <button
      type="button"
      class="message folded"
      aria-expanded={false}
      aria-label={t('read.expand', { name })}
      data-testid="message-folded"
      onClick={() => toggleFold(message.id)}
    >
      <Avatar address={message.from?.[0] ?? null} />
      <span class="folded-name">{name}</span>
      {message.keywords.$draft && <span class="tag">{t('list.draft')}</span>}
      <span class="folded-preview">{plainText(message.preview)}</span>
      <time dateTime={message.receivedAt} title={exactTime(message.receivedAt, locale)}>
        {shortTime(message.receivedAt, locale)}
      </time>
    </button>
  );
}

function MessageHead({ message, name, foldable }: { message: EmailDetail; name: string; foldable: boolean }) {
  const details = useSignal(false);
  const locale = LOCALES[language.value];
  const email = emailOf(message.id) ?? message;
  const starred = isStarred(email);
  const from = message.from?.[0] ?? null;
  return (
    <header class="message-head">
      <Avatar address={from} />
      <div class="message-who">
        <div class="message-from">
          {foldable ? (
            <button type="button" class="fold-button" aria-expanded={true} onClick={() => toggleFold(message.id)}>
              {name}
            </button>
          ) : (
            <span class="from-name">{name}</span>
          )}
          {from && name !== from.email && <span class="from-address">{plainText(from.email)}</span>}
          {message.keywords.$draft && <span class="tag">{t('list.draft')}</span>}
        </div>
        <button
          type="button"
          class="message-to"
          aria-expanded={details.value}
          title={t('read.details')}
          onClick={() => {
            details.value = !details.value;
          }}
        >
          {t('read.to', { names: recipientNames(message) })}
        </button>
      </div>
      <time class="message-when" dateTime={message.receivedAt} title={exactTime(message.receivedAt, locale)}>
        {shortTime(message.receivedAt, locale)}
      </time>
      <div class="message-buttons">
        <IconButton
          icon="flagged"
          label={t(starred ? 'action.unstar' : 'action.star')}
          pressed={starred}
          filled={starred}
          onClick={() => void starEmail(email)}
        />
        {message.keywords.$draft ? (
          <IconButton icon="write" label={t('read.editDraft')} onClick={() => void editDraft(message.id)} />
        ) : (
          <IconButton icon="reply" label={t('action.reply')} onClick={() => void answer('reply', message)} />
        )}
        <MessageMenu message={message} />
      </div>
      {details.value && <Details message={message} />}
    </header>
  );
}

function MessageMenu({ message }: { message: EmailDetail }) {
  return (
    <Menu icon="more" label={t('action.more')}>
      {(close) => {
        const item = (label: string, act: () => void) => (
          <MenuItem
            label={label}
            onClick={() => {
              close();
              act();
            }}
          />
        );
        return (
          <>
            {item(t('action.reply'), () => void answer('reply', message))}
            {item(t('action.replyAll'), () => void answer('replyAll', message))}
            {item(t('action.forward'), () => void answer('forward', message))}
            <a
              class="menu-item"
              role="menuitem"
              href={jmap().downloadPath(message.blobId, 'message.eml', 'message/rfc822')}
              download="message.eml"
              onClick={close}
            >
              {t('action.source')}
            </a>
          </>
        );
      }}
    </Menu>
  );
}

function recipientNames({ to, cc }: EmailDetail): string {
  const names = [...(to ?? []), ...(cc ?? [])].map((address) => (isMe(address) ? t('list.me') : shortName(address)));
  return names.length === 0 ? '—' : names.length > 4 ? `${names.slice(0, 3).join(', ')} +${names.length - 3}` : names.join(', ');
}

function Details({ message }: { message: EmailDetail }) {
  const date = exactTime(message.sentAt ?? message.receivedAt, LOCALES[language.value]);
  const rows: [string, string][] = [
    [t('read.from'), addressLine(message.from)],
    [t('read.toField'), addressLine(message.to)],
    [t('read.cc'), addressLine(message.cc)],
    [t('read.bcc'), addressLine(message.bcc)],
    [t('read.replyTo'), addressLine(message.replyTo)],
    [t('read.date'), date],
  ];
  return (
    <dl class="details">
      {rows
        .filter(([, value]) => value !== '')
        .map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

function addressLine(addresses: EmailAddress[] | null): string {
  return (addresses ?? [])
    .map((address) => {
      const name = displayName(address);
      return name === address.email ? name : `${name} <${plainText(address.email)}>`;
    })
    .join(', ');
}
