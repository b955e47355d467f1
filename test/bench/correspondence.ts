/** Made-up mail in any number: the same for every server and every run, with threads, a common, a middling and a rare word. */

const WORDS_KNOWN = 3000;
const WORDS_MIN = 40;
const WORDS_MAX = 200;
const LINE_WORDS = 12;
/** One message in three answers an earlier one. */
const REPLIES = 3;
const FIRST_AT = Date.UTC(2021, 0, 1);
const SYLLABLES = ['ba', 'ce', 'di', 'fo', 'gu', 'ha', 'ki', 'lo', 'mu', 'ne', 'pa', 'ri', 'so', 'tu', 've'];

/** Words to search for, and the share of messages that hold them. */
export const COMMON_WORD = 'harvest';
export const RARE_WORD = 'quince';
const RARE_EVERY = 500;

export interface Letter {
  raw: Buffer;
  /** Epoch milliseconds. */
  receivedAt: number;
}

/** Letter `number` of a correspondence. */
export function letterOf(number: number): Letter {
  const random = generator(number);
  const receivedAt = FIRST_AT + number * 600_000;
  const answered = number % REPLIES === 0 && number > 0 ? Math.floor(random() * number) : null;
  const subject = `${answered === null ? '' : 'Re: '}${COMMON_WORD} ${word(random)} ${word(random)}`;
  const words = Array.from({ length: WORDS_MIN + Math.floor(random() * (WORDS_MAX - WORDS_MIN)) }, () => word(random));
  if (number % RARE_EVERY === 0) words.push(RARE_WORD);
  const head = [
    `From: ${word(random)} ${word(random)} <${word(random)}@sender.test>`,
    'To: <me@example.test>',
    `Subject: ${subject}`,
    `Date: ${new Date(receivedAt).toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <letter-${number}@sender.test>`,
    ...(answered === null ? [] : [`In-Reply-To: <letter-${answered}@sender.test>`, `References: <letter-${answered}@sender.test>`]),
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
  ];
  return { raw: Buffer.from(`${head.join('\r\n')}\r\n\r\n${lines(words).join('\r\n')}\r\n`), receivedAt };
}

/** The first `count` letters, each made when it is asked for. */
export function* lettersOf(count: number): Iterable<Letter> {
  for (let number = 0; number < count; number++) yield letterOf(number);
}

function lines(words: readonly string[]): string[] {
  return Array.from({ length: Math.ceil(words.length / LINE_WORDS) }, (_value, line) =>
    words.slice(line * LINE_WORDS, (line + 1) * LINE_WORDS).join(' '),
  );
}

/** Common words come more often than rare ones, as in a language. */
function word(random: () => number): string {
  let rest = Math.floor(random() * random() * WORDS_KNOWN);
  let text = '';
  for (let syllables = 0; syllables < 2 || rest > 0; syllables++) {
    text += SYLLABLES[rest % SYLLABLES.length];
    rest = Math.floor(rest / SYLLABLES.length);
  }
  return text;
}

/** Numbers in [0, 1) that depend on the seed alone (mulberry32). */
function generator(seed: number): () => number {
  let state = (seed + 1) * 0x9e3779b1;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
