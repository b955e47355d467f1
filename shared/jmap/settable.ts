/**
 * The settable properties of an object that a /set makes or changes (RFC 8620 §5.3), read one by one, so that every wrong one is named at once.
 */
import type { Json, SetError } from './errors.ts';
import { invalidProperties, ShapeError } from './errors.ts';
import { own, type Reader } from './readers.ts';

/** A reader for each settable property. */
export type Settable<Draft> = { [Name in keyof Draft]: Reader<Draft[Name]> };

/** Reads `record`; null stands for the default. `isFixed`: which of its properties stand there and may not be set so. */
export function readSettable<Draft extends object>(
  settable: Settable<Draft>,
  record: Json,
  isFixed: (name: string) => boolean,
): Draft | SetError {
  const wrong = new Map(Object.keys(record).flatMap((name) => (isFixed(name) ? [[name, `${name}: cannot be set`]] : [])));
  const draft: Json = {};
  for (const [name, read] of Object.entries<Reader<unknown>>(settable)) {
    try {
      draft[name] = read(own(record, name) ?? undefined, name);
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      wrong.set(name, error.message);
    }
  }
  return wrong.size > 0 ? invalidProperties([...wrong.keys()], [...wrong.values()].join('; ')) : (draft as Draft);
}
