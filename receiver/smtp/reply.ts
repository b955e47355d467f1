/**
 * An SMTP refusal as a value: reply code, enhanced status code (RFC 3463, RFC 5248) and a text for the
 * person who reads the bounce. smtp-server takes the code from `responseCode` and the rest from the message.
 */
export class Reply extends Error {
  readonly responseCode: number;
  constructor(code: number, enhanced: string, text: string) {
    super(`${enhanced} ${text}`);
    this.responseCode = code;
  }
}

/** The text begins with its own enhanced status code. */
export const ENHANCED_CODE = /^[245]\.\d{1,3}\.\d{1,3} /;

/** What a handler threw, as something that may be told to a stranger: replies as they are, defects as 451. */
export function asReply(error: unknown): Reply {
  return error instanceof Reply ? error : new Reply(451, '4.3.0', 'local error, try again later');
}
