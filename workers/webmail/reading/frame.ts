/**
 * The document a message is shown in: an iframe's srcdoc under `sandbox` without scripts and without our origin,
 * with a policy of its own that lets nothing load but inline styles and data images (docs/decisions/0015-message-frame.md).
 */
import type { Sanitised } from './sanitise.ts';

export const SANDBOX = 'allow-popups allow-popups-to-escape-sandbox';

export interface Look {
  dark: boolean;
  /** Colours of the app, as CSS values. */
  text: string;
  background: string;
  muted: string;
  link: string;
}

/** The whole document. `remote`: the reader asked for remote images. */
export function frameDocument({ body, style, painted }: Sanitised, look: Look, remote: boolean, language: string): string {
  const images = remote ? 'data: https: http:' : 'data:';
  const policy = `default-src 'none'; img-src ${images}; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'`;
  const head = [
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    '<meta name="referrer" content="no-referrer">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<style>${style}</style>`,
    `<style>${ownStyle(look, painted)}</style>`,
  ].join('');
  const attributes = ['style', 'bgcolor', 'class', 'dir'].map((name) => attribute(name, body.getAttribute(name))).join('');
  return `<!doctype html><html lang="${language}"><head>${head}</head><body${attributes}>${body.innerHTML}</body></html>`;
}

function attribute(name: string, value: string | null): string {
  if (value === null) return '';
  const escaped = value.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
  return ` ${name}="${escaped}"`;
}

/** A message that paints its own backgrounds is shown on paper in the dark; any other takes our colours. */
function ownStyle(look: Look, painted: boolean): string {
  const paper = look.dark && painted;
  const text = paper ? '#1b2324' : look.text;
  const background = paper ? '#ffffff' : look.background;
  const link = paper ? '#0b6660' : look.link;
  const recolour =
    look.dark && !painted ? `body *{color:inherit!important;border-color:#3a4446!important}a,a *{color:${link}!important}` : '';
  return `
    :root{color-scheme:${look.dark && !paper ? 'dark' : 'light'};background:${background}}
    body{margin:0;padding:${paper ? '16px' : '2px 0 8px'};color:${text};background-color:${painted ? '' : background};
      font:15px/1.6 system-ui,"Segoe UI",Roboto,"PingFang SC","Noto Sans CJK SC","Microsoft YaHei",sans-serif;overflow-wrap:anywhere}
    body>:first-child{margin-top:0}a{color:${link}}
    img{max-width:100%;height:auto}img:not([src]){min-width:16px;min-height:16px;outline:1px dashed #8d999b;outline-offset:-1px;color:#6b7779;font-size:12px}
    table{max-width:100%}pre{white-space:pre-wrap;font:13px/1.6 ui-monospace,"SF Mono",Menlo,Consolas,monospace}
    blockquote{margin:8px 0;padding-left:12px;border-left:2px solid ${look.dark && !paper ? '#3a4446' : '#d3dbdc'}}
    details>summary{display:inline-block;list-style:none;cursor:pointer;padding:0 10px;margin:8px 0;border-radius:6px;line-height:20px;
      background:${look.dark && !paper ? '#262e30' : '#e9eeee'};color:${look.muted};letter-spacing:1px}
    details>summary::-webkit-details-marker{display:none}
    :focus-visible{outline:2px solid ${link};outline-offset:2px}
    ${recolour}`;
}
