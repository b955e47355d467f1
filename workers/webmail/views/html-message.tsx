/**
 * HTML mail: sanitised, then shown in a sandboxed frame. Remote images wait until the reader asks for them,
 * for this message only. How the frame gets its height: docs/decisions/0015-message-frame.md.
 */
import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { EmailDetail } from '../jmap/types.ts';
import { frameDocument, type Look, SANDBOX } from '../reading/frame.ts';
import { type Box, guessHeight } from '../reading/height.ts';
import { fetchImages, inlineParts } from '../reading/images.ts';
import { foldQuotes } from '../reading/quotes.ts';
import { sanitise } from '../reading/sanitise.ts';
import { preferences } from '../state/preferences.ts';
import { jmap } from '../state/session.ts';
import { LOCALES, language, t } from '../text/messages.ts';
import { Icon } from './icon.tsx';
import { systemDark } from './system-dark.ts';

const NO_IMAGES: ReadonlyMap<string, string> = new Map();
/** What a message's own images may take before its text is shown without them. */
const IMAGES_WAIT_MS = 2_500;

export function HtmlMessage({ message, html }: { message: EmailDetail; html: string }) {
  const holder = useRef<HTMLDivElement>(null);
  const showRemote = useSignal(false);
  const images = useSignal<ReadonlyMap<string, string> | null>(null);
  const width = useSignal(0);
  const look = useLook();
  const sanitised = useMemo(() => {
    const result = sanitise(html, images.value ?? NO_IMAGES, showRemote.value);
    foldQuotes(result.body, t('read.quoted'));
    return result;
  }, [html, images.value, showRemote.value]);
  const srcdoc = useMemo(
    () => frameDocument(sanitised, look, showRemote.value, LOCALES[language.value]),
    [sanitised, look.dark, look.link, showRemote.value],
  );
  const height = useMemo(() => guessHeight(sanitised.body as unknown as Box, width.value || 640), [sanitised, width.value]);
  useEffect(() => {
    width.value = holder.current?.clientWidth ?? 0;
    const parts = inlineParts(message, sanitised.cids);
    if (parts.length === 0) {
      images.value = NO_IMAGES;
      return;
    }
    // The frame is drawn once, with its images: a frame whose document is replaced flickers.
    const late = setTimeout(() => {
      images.value ??= NO_IMAGES;
    }, IMAGES_WAIT_MS);
    void fetchImages(jmap(), parts).then((found) => {
      images.value = found;
    });
    return () => clearTimeout(late);
  }, [message.id]);
  return (
    <div class={sanitised.painted && look.dark ? 'html-message paper' : 'html-message'} ref={holder} style={{ '--guess': `${height}px` }}>
      {sanitised.remote && !showRemote.value && (
        <div class="remote-bar" data-testid="remote-bar">
          <Icon name="image" />
          <span>{t('read.remoteBlocked')}</span>
          <button
            type="button"
            class="link"
            onClick={() => {
              showRemote.value = true;
            }}
          >
            {t('read.remoteShow')}
          </button>
        </div>
      )}
      {images.value && (
        <iframe
          key={`${images.value.size} ${showRemote.value} ${look.dark}`}
          class="message-frame"
          title={t('read.frame')}
          sandbox={SANDBOX}
          referrerpolicy="no-referrer"
          srcdoc={srcdoc}
          data-testid="message-frame"
        />
      )}
    </div>
  );
}

/** The app's colours, for the frame, which inherits none. */
function useLook(): Look {
  const { theme, accent } = preferences.value;
  const dark = theme === 'dark' || (theme === 'system' && systemDark.value);
  return useMemo(() => {
    const style = getComputedStyle(document.documentElement);
    const value = (name: string) => style.getPropertyValue(name).trim();
    return { dark, text: value('--text'), background: value('--surface'), muted: value('--muted'), link: value('--accent-text') };
  }, [dark, accent]);
}
