/** Rows read and written, as D1 counts them: measured inside workerd by test/bench/worker, which logs its figures. */
import type { Part } from '../figures.ts';
import { workerFigures } from '../worker-figures.ts';

export const rows: Part = {
  name: 'rows',
  title: 'Rows in D1',
  async measure(options) {
    return [
      ...(await workerFigures('rows', options)),
      { remark: 'full text counts one row in the local runtime and about three in D1; two are added to each message written' },
    ];
  },
};
