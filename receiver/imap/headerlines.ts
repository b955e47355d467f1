/**
 * Header fields without taking a block apart (RFC 5322 §2.2): for the paths that look at one field of each of 100,000
 * messages. What a field is, is decided as in `shared/mime/headers.ts`.
 */
const SPACE = 0x20;
const TAB = 0x09;

/**
 * Calls `visit` with each field's lower-case name, where its lines begin and end, and where its value begins. Lines that are
 * no field are passed over.
 */
export function eachField(block: string, visit: (name: string, start: number, end: number, valueStart: number) => void): void {
  let name = '';
  let fieldStart = 0;
  let valueStart = 0;
  let start = 0;
  for (let end = 0; start < block.length; start = end) {
    const lf = block.indexOf('\n', start);
    end = lf < 0 ? block.length : lf + 1;
    const first = block.charCodeAt(start);
    if (first === SPACE || first === TAB) continue;
    if (name !== '') visit(name, fieldStart, start, valueStart);
    name = '';
    if (end - start <= 2 && block.slice(start, end).trim() === '') return;
    const colon = block.indexOf(':', start);
    if (colon < 0 || colon >= end) continue;
    name = block.slice(start, colon).trimEnd().toLowerCase();
    fieldStart = start;
    valueStart = colon + 1;
  }
  if (name !== '') visit(name, fieldStart, block.length, valueStart);
}

/** Unfolded values of all fields of that name (lower case), in order. */
export function fieldValues(block: string, wanted: string): string[] {
  const values: string[] = [];
  eachField(block, (name, _start, end, valueStart) => {
    if (name !== wanted) return;
    const value = block.slice(valueStart, end);
    values.push((value.indexOf('\n') === value.length - 1 ? value : value.replace(/\r?\n/g, '')).trim());
  });
  return values;
}
