/** `GET /bridge/search?scope=text|body&text=…&after=…`: emails that have the words of a text (shared/protocol.ts, `SearchAnswer`). */
import type { SearchAnswer } from '../../shared/protocol.ts';
import { problem } from '../auth/problem.ts';
import type { MailStore } from '../store/mail/types.ts';
import type { BridgeContext } from './routes.ts';

/** Characters of a text; IMAP takes no longer ones either. */
const TEXT_MAX = 8192;

export async function answerSearch(c: BridgeContext, mail: MailStore): Promise<Response> {
  const scope = c.req.query('scope');
  const text = c.req.query('text') ?? '';
  if (scope !== 'text' && scope !== 'body') return problem(400, 'scope: text or body.');
  if (text.length > TEXT_MAX) return problem(400, `text: at most ${TEXT_MAX} characters.`);
  const answer: SearchAnswer = await mail.searchWords(scope, text, c.req.query('after') ?? '');
  return c.json(answer);
}
