/** The icon button: a label for screen readers, a tooltip with its key. */
import { Icon, type IconName } from './icon.tsx';

interface Props {
  icon: IconName;
  label: string;
  /** The key that does the same. */
  keyName?: string;
  onClick: (event: MouseEvent) => void;
  pressed?: boolean;
  filled?: boolean;
  danger?: boolean;
  disabled?: boolean;
  testid?: string;
  expanded?: boolean;
}

export function IconButton({ icon, label, keyName, onClick, pressed, filled, danger, disabled, testid, expanded }: Props) {
  return (
    <button
      type="button"
      class={danger ? 'icon-button danger' : 'icon-button'}
      aria-label={label}
      title={keyName ? `${label} (${keyName})` : label}
      aria-pressed={pressed}
      aria-expanded={expanded}
      aria-haspopup={expanded === undefined ? undefined : 'menu'}
      disabled={disabled}
      data-testid={testid}
      onClick={onClick}
    >
      <Icon name={icon} filled={filled ?? false} />
    </button>
  );
}
