/** Opening the inbox in the webmail: one JMAP request over HTTP to the running product, and what it asks of D1. */
import { loadDataset } from '../../support/dataset.ts';
import type { Part } from '../figures.ts';
import { openInboxRequest } from '../inbox-request.ts';
import { median, percentile, timedRuns } from '../measure.ts';
import { callerOf } from '../signed-calls.ts';
import { openWebSession } from '../web-session.ts';
import { workerFigures } from '../worker-figures.ts';
import { fill, withPosthouse } from '../world.ts';

export const inbox: Part = {
  name: 'inbox',
  title: 'Opening the inbox in the webmail',
  async measure(options) {
    const { quick } = options;
    const messages = quick ? 100 : 1000;
    const counted = await workerFigures('inbox', options);
    const times = await withPosthouse(async (posthouse) => {
      await fill(
        posthouse,
        (await loadDataset(messages)).map(({ raw }) => raw),
      );
      const { url, account } = await callerOf(posthouse);
      const web = await openWebSession(url, account);
      const open = () => web.request(openInboxRequest(web.accountId, web.inbox));
      await timedRuns(10, open);
      const figures = await timedRuns(quick ? 20 : 200, open);
      web.close();
      return figures;
    });
    return [
      ...counted,
      { what: `request to answer, ${messages.toLocaleString('en')} messages, median`, ours: median(times), unit: 'ms' },
      { what: 'the same, p95', ours: percentile(times, 95), unit: 'ms' },
    ];
  },
};
