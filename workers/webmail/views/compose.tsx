/** Writing a message: a sheet in the corner, the whole screen on a phone. Files may be dropped or pasted in. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { attach } from '../state/attachments.ts';
import { type Composer, change, close, composer, composerCalls, discard, save, send } from '../state/compose.ts';
import { identities } from '../state/identities.ts';
import { t } from '../text/messages.ts';
import '../style/compose.css';
import { IconButton } from './button.tsx';
import { ComposeAttachments } from './compose-attachments.tsx';
import { Icon } from './icon.tsx';
import { Recipients } from './recipients.tsx';

export function Compose() {
  const now = composer.value;
  return now ? <Sheet now={now} /> : null;
}

function Sheet({ now }: { now: Composer }) {
  const sheet = useRef<HTMLElement>(null);
  const dropping = useSignal(false);
  const { draft } = now;
  useEffect(() => focusFirst(sheet.current, draft.to.length > 0), [composerCalls.value]);
  return (
    <section
      ref={sheet}
      class={dropping.value ? 'composer dropping' : 'composer'}
      role="dialog"
      aria-label={t(now.title)}
      data-testid="compose"
      onKeyDown={(event) => {
        if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
        event.preventDefault();
        void send();
      }}
      onDragOver={(event) => {
        event.preventDefault();
        dropping.value = true;
      }}
      onDragLeave={() => {
        dropping.value = false;
      }}
      onDrop={(event) => {
        event.preventDefault();
        dropping.value = false;
        attach(event.dataTransfer?.files ?? []);
      }}
    >
      <header class="composer-head">
        <h2>{t(now.title)}</h2>
        <SaveState now={now} />
        <IconButton icon="close" label={t('action.close')} keyName="Esc" testid="compose-close" onClick={() => void close()} />
      </header>
      <Fields now={now} />
      <Body now={now} />
      <ComposeAttachments attachments={draft.attachments} />
      <Foot now={now} />
      {dropping.value && <div class="drop-hint">{t('write.dropHere')}</div>}
    </section>
  );
}

function SaveState({ now }: { now: Composer }) {
  const text = { saving: t('write.saving'), saved: t('write.saved'), saveFailed: '', idle: '', changed: '', sending: '' }[now.state];
  return (
    <span class="save-state" role="status">
      {text}
    </span>
  );
}

function Fields({ now }: { now: Composer }) {
  const { draft } = now;
  const more = useSignal(draft.cc.length + draft.bcc.length > 0);
  return (
    <div class="composer-fields">
      {identities.value.length > 1 && <FromField now={now} />}
      <div class="composer-field">
        <Recipients name="to" label={t('write.to')} addresses={draft.to} onChange={(to) => change({ to })} />
        {!more.value && (
          <button
            type="button"
            class="link more-fields"
            onClick={() => {
              more.value = true;
            }}
          >
            {t('write.cc')} {t('write.bcc')}
          </button>
        )}
      </div>
      {more.value && (
        <>
          <div class="composer-field">
            <Recipients name="cc" label={t('write.cc')} addresses={draft.cc} onChange={(cc) => change({ cc })} />
          </div>
          <div class="composer-field">
            <Recipients name="bcc" label={t('write.bcc')} addresses={draft.bcc} onChange={(bcc) => change({ bcc })} />
          </div>
        </>
      )}
      <label class="composer-field">
        <span class="field-label">{t('write.subject')}</span>
        <input
          name="subject"
          maxLength={2000}
          autocomplete="off"
          value={draft.subject}
          onInput={(event) => change({ subject: event.currentTarget.value })}
        />
      </label>
    </div>
  );
}

function FromField({ now }: { now: Composer }) {
  return (
    <label class="composer-field">
      <span class="field-label">{t('write.from')}</span>
      <select
        name="from"
        value={now.draft.identityId}
        onChange={(event) => {
          const identity = identities.value.find(({ id }) => id === event.currentTarget.value);
          if (identity) change({ identityId: identity.id, from: { name: identity.name || null, email: identity.email } });
        }}
      >
        {identities.value.map(({ id, name, email }) => (
          <option key={id} value={id}>
            {name ? `${name} <${email}>` : email}
          </option>
        ))}
      </select>
    </label>
  );
}

function Body({ now }: { now: Composer }) {
  return (
    <textarea
      class="composer-body"
      name="body"
      aria-label={t('write.body')}
      dir="auto"
      value={now.draft.body}
      onInput={(event) => change({ body: event.currentTarget.value })}
      onBlur={() => void save()}
      onPaste={(event) => {
        const files = event.clipboardData?.files ?? [];
        if (files.length === 0) return;
        event.preventDefault();
        attach(files);
      }}
    />
  );
}

function Foot({ now }: { now: Composer }) {
  const picker = useRef<HTMLInputElement>(null);
  const sending = now.state === 'sending';
  return (
    <footer class="composer-foot">
      <button
        type="button"
        class="button primary"
        title={`${t('write.send')} (Ctrl+Enter)`}
        disabled={sending}
        data-testid="send"
        onClick={() => void send()}
      >
        <Icon name="sent" />
        {t(sending ? 'write.sending' : 'write.send')}
      </button>
      <IconButton icon="clip" label={t('write.attach')} testid="attach" onClick={() => picker.current?.click()} />
      <input
        ref={picker}
        class="visually-hidden"
        type="file"
        multiple
        tabIndex={-1}
        aria-hidden="true"
        data-testid="file-input"
        onChange={(event) => {
          attach([...(event.currentTarget.files ?? [])]);
          event.currentTarget.value = '';
        }}
      />
      <span class="problem" role="alert" data-testid="compose-problem">
        {now.problem || (now.state === 'saveFailed' ? t('write.saveFailed') : '')}
      </span>
      <IconButton icon="trash" label={t('write.discard')} danger testid="discard" onClick={() => void discard()} />
    </footer>
  );
}

/** A new message begins with its recipient, an answer with its text, above the quote. */
function focusFirst(sheet: HTMLElement | null, answered: boolean): void {
  const body = sheet?.querySelector<HTMLTextAreaElement>('textarea');
  if (!answered) {
    sheet?.querySelector<HTMLInputElement>('input[name="to"]')?.focus();
    return;
  }
  body?.focus();
  body?.setSelectionRange(0, 0);
  if (body) body.scrollTop = 0;
}
