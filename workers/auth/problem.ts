/** A refusal as problem details (RFC 9457): what is wrong and what to do, in `detail`. */

const TITLES: Record<number, string> = {
  400: 'Bad request',
  401: 'Not authorised',
  403: 'Forbidden',
  404: 'Not found',
  409: 'Conflict',
  413: 'Too large',
  422: 'Not acceptable',
  426: 'Upgrade required',
};

/** The answer; `detail` is for a person. */
export function problem(status: number, detail: string, headers: HeadersInit = {}): Response {
  const body = JSON.stringify({ type: 'about:blank', status, title: TITLES[status] ?? 'Refused', detail });
  const answer = new Response(body, { status, headers });
  answer.headers.set('content-type', 'application/problem+json');
  return answer;
}
