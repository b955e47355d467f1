/** A menu that drops from a button: opens by click, closes by choosing, clicking elsewhere or Esc; arrows move. */
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { IconButton } from './button.tsx';
import type { IconName } from './icon.tsx';

interface Props {
  icon: IconName;
  label: string;
  keyName?: string;
  /** Which way it drops. */
  place?: 'below' | 'above';
  testid?: string;
  children: (close: () => void) => ComponentChildren;
}

export function Menu({ icon, label, keyName, place = 'below', testid, children }: Props) {
  const open = useSignal(false);
  const ref = useRef<HTMLDivElement>(null);
  const close = () => {
    open.value = false;
  };
  const isOpen = open.value;
  useEffect(() => {
    if (!isOpen) return;
    ref.current?.querySelector<HTMLElement>('.menu-body [role^="menuitem"], .menu-body button, .menu-body select')?.focus();
    const outside = (event: Event) => {
      if (!ref.current?.contains(event.target as Node)) close();
    };
    addEventListener('pointerdown', outside);
    addEventListener('blur', close);
    return () => {
      removeEventListener('pointerdown', outside);
      removeEventListener('blur', close);
    };
  }, [isOpen]);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys are those of the menu inside
    <div
      class="menu"
      ref={ref}
      onKeyDown={(event) => {
        if (isOpen) steer(event, ref.current, close);
      }}
    >
      <IconButton
        icon={icon}
        label={label}
        keyName={keyName}
        expanded={isOpen}
        testid={testid}
        onClick={() => {
          open.value = !isOpen;
        }}
      />
      {isOpen && (
        <div class={`menu-body ${place}`} role="menu" aria-label={label}>
          {children(close)}
        </div>
      )}
    </div>
  );
}

function steer(event: KeyboardEvent, menu: HTMLElement | null, close: () => void): void {
  const items = [...(menu?.querySelectorAll<HTMLElement>('.menu-body button') ?? [])];
  const at = items.indexOf(document.activeElement as HTMLElement);
  if (event.key === 'Escape') {
    event.preventDefault();
    event.stopPropagation();
    close();
    menu?.querySelector<HTMLElement>('button')?.focus();
  } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
    event.preventDefault();
    items[(at + (event.key === 'ArrowDown' ? 1 : items.length - 1)) % items.length]?.focus();
  }
}

export function MenuItem({ label, onClick }: { label: string; onClick: () => void }) {
  return (
    <button type="button" class="menu-item" role="menuitem" onClick={onClick}>
      {label}
    </button>
  );
}
