/**
 * The `file` relay of the embedded default: the message goes to the supervising process, which writes it into a
 * folder. In a deployment the binding does not exist and the driver says so.
 */
import { encodeFrameHeader } from '../../../shared/frame.ts';
import { writeLeaving } from '../leaving.ts';
import type { RelayDriver } from '../relay.ts';

/** Frame: `{ id, envelope }`, then the message. */
export const sendToFile: RelayDriver<{ kind: 'file' }> = async (message, _settings, env) => {
  if (!env.FILE_RELAY)
    return { status: 'refused', reply: '554 5.3.5 the file relay exists only under "npm start": set another with "posthouse relay set"' };
  const frame = encodeFrameHeader({ id: message.id, envelope: message.envelope });
  const { readable, writable } = new FixedLengthStream(frame.length + message.size);
  const [answer] = await Promise.all([
    env.FILE_RELAY.fetch('http://file-relay/', { method: 'POST', body: readable }),
    writeLeaving(writable, frame, message),
  ]);
  if (!answer.ok) return { status: 'later', reply: `451 4.3.0 the file relay answered ${answer.status}` };
  return { status: 'sent', reply: `250 2.0.0 written as ${message.id}.eml` };
};
