/**
 * What the bench reports: a figure of ours, beside it a peer's from the same run, or the budget of DESIGN.md. A figure is
 * reported whatever it is; one that exceeds its budget says so.
 */

export interface Figure {
  what: string;
  ours: number;
  unit: string;
  /** `more` for rates; everything else is better when it is less. */
  better?: 'more';
  peer?: { name: string; value: number };
  /** In the figure's unit. */
  budget?: number;
}

/** A part that could not measure something says why, in the table. */
export interface Remark {
  remark: string;
}

export interface Options {
  /** Small numbers: to see that it works. */
  quick: boolean;
  /** The largest mailboxes too; takes many minutes. */
  full: boolean;
}

/** One part of the bench, chosen by its name on the command line. */
export interface Part {
  name: string;
  title: string;
  measure(options: Options): Promise<(Figure | Remark)[]>;
}

/** How many times better than the peer: above 1 is better, whichever way the unit counts. */
export function ratio({ ours, peer, better }: Figure): number | null {
  if (!peer) return null;
  return better === 'more' ? ours / peer.value : peer.value / ours;
}

/** The lines of a Markdown table, one part after the other. */
export function table(results: { part: Part; figures: (Figure | Remark)[] }[]): string {
  const lines = ['| | Posthouse | peer, same run | times the peer | budget |', '|---|---:|---:|---:|---:|'];
  for (const { part, figures } of results) {
    lines.push(`| **${part.title}** | | | | |`);
    for (const figure of figures) lines.push('remark' in figure ? `| _${figure.remark}_ | | | | |` : row(figure));
  }
  return lines.join('\n');
}

function row(figure: Figure): string {
  const { what, ours, unit, peer, budget } = figure;
  const times = ratio(figure);
  const cells = [
    what,
    amount(ours, unit),
    peer ? `${amount(peer.value, unit)} (${peer.name})` : '',
    times === null ? '' : `${shortNumber(times)}×`,
    budget === undefined ? '' : `≤ ${amount(budget, unit)}${ours > budget ? ' **exceeded**' : ''}`,
  ];
  return `| ${cells.join(' | ')} |`;
}

function amount(value: number, unit: string): string {
  return unit === '' ? shortNumber(value) : `${shortNumber(value)} ${unit}`;
}

/** Three digits that mean something: 0.42, 7.1, 48, 1,310. */
function shortNumber(value: number): string {
  const digits = Number.isInteger(value) || Math.abs(value) >= 10 ? 0 : Math.abs(value) >= 1 ? 1 : 2;
  return value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: 0 });
}
