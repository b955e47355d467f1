/** A message's text: HTML in its sandboxed frame, else plain text with links and folded quotes. */
import type { BodyValue, EmailDetail } from '../jmap/types.ts';
import { type BodyText, bodies, loadBody } from '../state/conversation.ts';
import { t } from '../text/messages.ts';
import { HtmlMessage } from './html-message.tsx';
import { PlainText } from './plain-text.tsx';

const LOADING: BodyText = { state: 'loading', values: {} };

export function MessageBody({ message }: { message: EmailDetail }) {
  const body = bodies.value.get(message.id) ?? LOADING;
  if (body.state === 'loading') {
    return (
      <div class="message-text skeleton" aria-busy="true">
        <span class="bone" />
        <span class="bone" />
        <span class="bone short" />
      </div>
    );
  }
  if (body.state === 'failed') {
    return (
      <div class="notice" role="alert">
        <p>{t('read.bodyFailed')}</p>
        <button type="button" class="button" onClick={() => void loadBody(message.id, true)}>
          {t('action.retry')}
        </button>
      </div>
    );
  }
  return <Loaded message={message} values={body.values} />;
}

function Loaded({ message, values }: { message: EmailDetail; values: Record<string, BodyValue> }) {
  const shown = message.htmlBody.some(({ type }) => type === 'text/html') ? message.htmlBody : message.textBody;
  const parts = shown.flatMap((part) => {
    const value = values[part.partId ?? ''];
    return value && /^text\//.test(part.type) ? [{ html: part.type === 'text/html', ...value }] : [];
  });
  const truncated = parts.some(({ isTruncated }) => isTruncated);
  if (parts.every(({ value }) => value.trim() === '')) return <p class="message-text hint">{t('read.emptyBody')}</p>;
  const html = parts.some((part) => part.html);
  return (
    <>
      {html ? (
        <HtmlMessage message={message} html={parts.map(asHtml).join('<hr>')} />
      ) : (
        <PlainText text={parts.map(({ value }) => value).join('\n')} />
      )}
      {truncated && <p class="notice-line">{t('read.truncated')}</p>}
    </>
  );
}

/** A plain part between HTML ones goes into the same frame. */
function asHtml({ html, value }: { html: boolean; value: string }): string {
  if (html) return value;
  const escaped = value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return `<pre>${escaped}</pre>`;
}
