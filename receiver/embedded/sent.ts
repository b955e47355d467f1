/**
 * The `file` relay's far end in the embedded default: what would leave for the world becomes
 * `$POSTHOUSE_HOME/sent/<id>.eml` beside `<id>.json`, its envelope. Takes a frame (shared/protocol.ts) whose
 * header is `{ id, envelope }` and whose payload is the message.
 */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { decodeFrame } from '../../shared/frame.ts';
import type { Envelope } from '../../shared/protocol.ts';

/** The handler bound to the Worker as FILE_RELAY. Writing the same id again changes nothing. */
export function sentFolder(folder: string): (request: Request) => Promise<Response> {
  return async (request) => {
    const frame = decodeFrame(new Uint8Array(await request.arrayBuffer()));
    const header = frame?.header as { id?: unknown; envelope?: Envelope } | undefined;
    if (!frame || typeof header?.id !== 'string' || !/^[\w.-]{1,100}$/.test(header.id))
      return new Response('no frame of ours', { status: 400 });
    await mkdir(folder, { recursive: true });
    await writeWhole(path.join(folder, `${header.id}.json`), `${JSON.stringify(header.envelope, null, 2)}\n`);
    await writeWhole(path.join(folder, `${header.id}.eml`), frame.payload);
    return Response.json({ id: header.id });
  };
}

/** Whoever watches the folder never sees half a file. */
async function writeWhole(file: string, content: string | Uint8Array): Promise<void> {
  await writeFile(`${file}.new`, content);
  await rename(`${file}.new`, file);
}
