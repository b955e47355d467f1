/** Files put into the message being written: uploaded at once (RFC 8620 §6.1), shown while they travel. */
import { LOCALES, language, t } from '../text/messages.ts';
import { sizeText } from '../text/time.ts';
import type { Attachment } from '../writing/draft.ts';
import { change, composer } from './compose.ts';
import { jmap, noteFailure } from './session.ts';

const uploads = new Map<number, AbortController>();
let lastKey = 0;

export function attach(files: Iterable<File>): void {
  for (const file of files) void attachOne(file);
}

async function attachOne(file: File): Promise<void> {
  const now = composer.value;
  if (!now) return;
  const max = jmap().uploadMax();
  if (file.size > max) {
    const problem = t('write.tooLarge', { name: file.name, max: sizeText(max, LOCALES[language.value]) });
    composer.value = { ...now, problem };
    return;
  }
  const key = nextKey();
  const upload = new AbortController();
  uploads.set(key, upload);
  const type = file.type || 'application/octet-stream';
  change({ attachments: [...now.draft.attachments, { key, name: file.name, type, size: file.size, blobId: null, failed: false }] });
  try {
    const { blobId } = await jmap().upload(file, upload.signal);
    update(key, { blobId });
  } catch (error) {
    if (upload.signal.aborted) return;
    noteFailure(error);
    update(key, { failed: true });
  } finally {
    uploads.delete(key);
  }
}

/** A number no other attachment of this page has. */
export function nextKey(): number {
  return ++lastKey;
}

function update(key: number, part: Partial<Attachment>): void {
  const attachments = composer.value?.draft.attachments ?? [];
  change({ attachments: attachments.map((one) => (one.key === key ? { ...one, ...part } : one)) });
}

export function detach(key: number): void {
  uploads.get(key)?.abort();
  change({ attachments: (composer.value?.draft.attachments ?? []).filter((one) => one.key !== key) });
}
