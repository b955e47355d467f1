/** Swiping a row on a touch screen: left archives, right marks read. A short swipe springs back. */
import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

/** Far enough to be meant, near enough for a thumb. */
const MEANT_PX = 96;
/** Before this the finger may still want to scroll. */
const START_PX = 12;

export interface SwipeActions {
  left: () => void;
  right: () => void;
}

export function useSwipe(element: RefObject<HTMLElement | null>, actions: SwipeActions): void {
  const latest = useRef(actions);
  latest.current = actions;
  useEffect(() => (element.current ? listen(element.current, () => latest.current) : undefined), []);
}

function listen(row: HTMLElement, actions: () => SwipeActions): () => void {
  let start: { x: number; y: number } | null = null;
  let by = 0;
  const face = () => row.querySelector<HTMLElement>('.row-face');
  const settle = () => {
    start = null;
    row.classList.remove('swiping');
    face()?.style.removeProperty('transform');
  };
  const down = (event: PointerEvent) => {
    if (event.pointerType !== 'touch') return;
    start = { x: event.clientX, y: event.clientY };
    by = 0;
  };
  const move = (event: PointerEvent) => {
    if (!start) return;
    by = event.clientX - start.x;
    if (Math.abs(by) < START_PX) return;
    row.classList.add('swiping');
    row.dataset.swipe = by < 0 ? 'left' : 'right';
    row.dataset.meant = String(Math.abs(by) >= MEANT_PX);
    if (!row.hasPointerCapture(event.pointerId)) row.setPointerCapture(event.pointerId);
    const shown = face();
    if (shown) shown.style.transform = `translateX(${by}px)`;
  };
  const up = () => {
    const meant = start !== null && Math.abs(by) >= MEANT_PX;
    if (meant) row.addEventListener('click', stop, { capture: true, once: true });
    settle();
    if (meant) (by < 0 ? actions().left : actions().right)();
  };
  const stop = (event: Event) => {
    event.preventDefault();
    event.stopPropagation();
  };
  row.addEventListener('pointerdown', down);
  row.addEventListener('pointermove', move);
  row.addEventListener('pointerup', up);
  row.addEventListener('pointercancel', settle);
  return () => {
    row.removeEventListener('pointerdown', down);
    row.removeEventListener('pointermove', move);
    row.removeEventListener('pointerup', up);
    row.removeEventListener('pointercancel', settle);
  };
}
