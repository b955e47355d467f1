/**
 * The rows in sight of a list of any length: the scrolled box is as high as all rows, only those in sight exist.
 * Rows keep their DOM node by conversation, so focus survives what arrives above them.
 */
import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { ensure, listing } from '../state/listing.ts';
import { preferences } from '../state/preferences.ts';
import { cursor, cursorMoves } from '../state/selection.ts';
import { visibleSpan } from '../state/window.ts';
import { t } from '../text/messages.ts';
import { Row, SkeletonRow } from './row.tsx';

const ROW_HEIGHTS = { comfortable: 64, compact: 36 } as const;
/** Browsers stop laying out somewhere above 17 million pixels; a list longer than this is searched, not scrolled. */
const SCROLLED_MAX = 16_000_000;
const SKELETONS = 12;

export function VirtualList() {
  const box = useRef<HTMLDivElement>(null);
  const scrollTop = useSignal(0);
  const height = useSignal(800);
  const { ids, total, state, shift } = listing.value;
  const rowHeight = ROW_HEIGHTS[preferences.value.density];
  const rows = Math.min(total, Math.floor(SCROLLED_MAX / rowHeight));
  const span = visibleSpan(scrollTop.value, height.value, rowHeight, rows);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => {
      height.value = element.clientHeight;
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useEffect(() => ensure(span), [span.from, span.to, ids, state]);
  useLayoutEffect(() => {
    if (box.current && shift !== 0) box.current.scrollTop += shift * rowHeight;
  }, [ids]);
  useEffect(() => {
    if (cursorMoves.value > 0 && box.current) showCursor(box.current, cursor.peek(), rowHeight);
  }, [cursorMoves.value]);

  if (state === 'loading') {
    return (
      <div class="rows" aria-busy="true">
        {Array.from({ length: SKELETONS }, (_, index) => (
          <SkeletonRow key={index} top={index * rowHeight} />
        ))}
      </div>
    );
  }
  const shown = Array.from({ length: Math.max(0, span.to - span.from) }, (_, index) => span.from + index);
  return (
    <div
      class="rows"
      ref={box}
      data-testid="conversation-list"
      onScroll={(event) => {
        scrollTop.value = event.currentTarget.scrollTop;
      }}
    >
      <ul class="rows-inner" style={{ height: `${rows * rowHeight}px` }} aria-label={t('list.label')}>
        {shown.map((index) => {
          const id = ids[index];
          const top = index * rowHeight;
          return id === undefined ? (
            <SkeletonRow key={`place ${index}`} top={top} />
          ) : (
            <Row key={id} emailId={id} index={index} top={top} total={total} />
          );
        })}
      </ul>
    </div>
  );
}

/** Scrolls no more than needed, then gives the row the focus once it exists. */
function showCursor(box: HTMLElement, index: number, rowHeight: number): void {
  const top = index * rowHeight;
  if (top < box.scrollTop) box.scrollTop = top;
  else if (top + rowHeight > box.scrollTop + box.clientHeight) box.scrollTop = top + rowHeight - box.clientHeight;
  requestAnimationFrame(() => box.querySelector<HTMLElement>(`[data-index="${index}"] .row-link`)?.focus({ preventScroll: true }));
}
