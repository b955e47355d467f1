/** What an SMTP listener does with a client's wishes: one door takes mail from the world, the other from our own users. */
import type { SMTPServerAddress, SMTPServerDataStream, SMTPServerSession } from 'smtp-server';

/** Each either resolves, or throws a `Reply`. */
export interface Door {
  mailFrom(address: SMTPServerAddress, session: SMTPServerSession): Promise<void>;
  rcptTo(address: SMTPServerAddress, session: SMTPServerSession): Promise<void>;
  /** The text behind 250. `hangUp` ends a connection whose client does not stop sending. */
  data(stream: SMTPServerDataStream, session: SMTPServerSession, hangUp: (text: string) => void): Promise<string>;
}
