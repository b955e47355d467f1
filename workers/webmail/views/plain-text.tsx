/** Plain text as elements: links, foldable quotes, a quiet signature. Text is only ever text here. */
import { useMemo } from 'preact/hooks';
import { type Block, blocksOf, linkify } from '../reading/plain.ts';
import { t } from '../text/messages.ts';

export function PlainText({ text }: { text: string }) {
  const blocks = useMemo(() => blocksOf(text), [text]);
  return (
    <div class="message-text plain" dir="auto" data-testid="message-text">
      {blocks.map((block, index) => (
        <TextBlock key={index} block={block} fold={index > 0 && isAtEnd(blocks, index)} />
      ))}
    </div>
  );
}

/** Only a quote that ends the message is folded: answers between quotes need them. */
function isAtEnd(blocks: Block[], index: number): boolean {
  return blocks.slice(index + 1).every(({ kind }) => kind === 'signature');
}

function TextBlock({ block, fold }: { block: Block; fold: boolean }) {
  if (block.kind === 'quote' && fold) {
    return (
      <details class="quoted">
        <summary title={t('read.quoted')} aria-label={t('read.quoted')}>
          ···
        </summary>
        <div class="quote">
          <Linked text={block.text} />
        </div>
      </details>
    );
  }
  return (
    <div class={block.kind}>
      <Linked text={block.text} />
    </div>
  );
}

function Linked({ text }: { text: string }) {
  const pieces = useMemo(() => linkify(text), [text]);
  return (
    <>
      {pieces.map((piece, index) =>
        typeof piece === 'string' ? (
          piece
        ) : (
          <a key={index} href={piece.href} target="_blank" rel="noopener noreferrer">
            {piece.text}
          </a>
        ),
      )}
    </>
  );
}
