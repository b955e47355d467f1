/** A message's attachments: name, size, download. Always downloaded, never opened here: any of them may be hostile. */
import type { BodyPart, EmailDetail } from '../jmap/types.ts';
import { jmap } from '../state/session.ts';
import { LOCALES, language, t, tn } from '../text/messages.ts';
import { plainText } from '../text/names.ts';
import { sizeText } from '../text/time.ts';
import { Icon } from './icon.tsx';

export function Attachments({ message }: { message: EmailDetail }) {
  const parts = message.attachments.filter(isListed);
  if (parts.length === 0) return null;
  return (
    <section class="attachments" aria-label={tn('read.attachments', parts.length)}>
      <h3>{tn('read.attachments', parts.length)}</h3>
      <ul>
        {parts.map((part, index) => (
          <AttachmentItem key={index} part={part} />
        ))}
      </ul>
    </section>
  );
}

/** Images inside the text are not listed again. */
function isListed({ blobId, disposition, cid, type }: BodyPart): boolean {
  return blobId !== null && !(disposition === 'inline' && cid !== null && type.startsWith('image/'));
}

function AttachmentItem({ part }: { part: BodyPart }) {
  const name = plainText(part.name ?? '').trim() || t('read.unnamed');
  return (
    <li>
      <a
        class="attachment"
        href={jmap().downloadPath(part.blobId ?? '', name, part.type)}
        download={name}
        title={t('read.download', { name })}
        data-testid="attachment"
      >
        <Icon name={part.type.startsWith('image/') ? 'image' : 'clip'} />
        <span class="attachment-name">{name}</span>
        <span class="hint">{sizeText(part.size, LOCALES[language.value])}</span>
        <Icon name="download" />
      </a>
    </li>
  );
}
