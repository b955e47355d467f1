/** The files of the message being written, and how far they have come. */
import { detach } from '../state/attachments.ts';
import { LOCALES, language, t } from '../text/messages.ts';
import { sizeText } from '../text/time.ts';
import type { Attachment } from '../writing/draft.ts';
import { IconButton } from './button.tsx';
import { Icon } from './icon.tsx';

export function ComposeAttachments({ attachments }: { attachments: Attachment[] }) {
  if (attachments.length === 0) return null;
  return (
    <ul class="composer-attachments">
      {attachments.map((attachment) => (
        <li key={attachment.key} class={attachment.failed ? 'attachment failed' : 'attachment'} data-testid="compose-attachment">
          <Icon name="clip" />
          <span class="attachment-name">{attachment.name}</span>
          <span class="hint">{stateOf(attachment)}</span>
          <IconButton icon="close" label={t('write.remove', { name: attachment.name })} onClick={() => detach(attachment.key)} />
        </li>
      ))}
    </ul>
  );
}

function stateOf({ failed, blobId, name, size }: Attachment): string {
  if (failed) return t('write.uploadFailed', { name });
  return blobId === null ? '…' : sizeText(size, LOCALES[language.value]);
}
