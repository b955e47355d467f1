/** Where the repository lies: the embedded default runs from a clone. */
import path from 'node:path';

export const ROOT = path.resolve(import.meta.dirname, '../..');
