/**
 * Images that lie in the message itself (RFC 2392 `cid:`), fetched by the app and handed to the frame as data
 * URLs: the frame's opaque origin can read neither our cookie's downloads nor our blob URLs.
 */
import type { JmapClient } from '../jmap/client.ts';
import type { BodyPart, EmailDetail } from '../jmap/types.ts';

/** Octets of inline images shown per message; the rest stays in the list of attachments. */
const INLINE_TOTAL_MAX = 12_000_000;
/** SVG is left out: it is a document, not an image. */
const SHOWN = /^image\/(?:png|gif|jpe?g|webp|bmp|avif)$/i;

/** Parts that the text refers to, within bounds. */
export function inlineParts(message: EmailDetail, cids: ReadonlySet<string>): BodyPart[] {
  let total = 0;
  return [...message.attachments, ...message.htmlBody].filter((part) => {
    if (part.cid === null || part.blobId === null || !cids.has(part.cid) || !SHOWN.test(part.type)) return false;
    total += part.size;
    return total <= INLINE_TOTAL_MAX;
  });
}

/** Data URLs by Content-ID; what cannot be fetched is left out. */
export async function fetchImages(client: JmapClient, parts: BodyPart[]): Promise<Map<string, string>> {
  const found = await Promise.all(
    parts.map(async ({ blobId, cid, name, type }) => {
      try {
        const blob = await client.download(blobId ?? '', name ?? 'image', type);
        return [cid ?? '', await dataUrl(blob, type)] as const;
      } catch {
        return null;
      }
    }),
  );
  return new Map(found.filter((entry) => entry !== null));
}

function dataUrl(blob: Blob, type: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).replace(/^data:[^;,]*/, `data:${type.toLowerCase()}`));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}
