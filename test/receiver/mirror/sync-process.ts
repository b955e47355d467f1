/** A process that synchronises account 1 from a fake edge of its own and tells each page; damage.test.ts kills it. */
import { silentLog } from '../../../receiver/log.ts';
import { makeMirrors } from '../../../receiver/mirror/index.ts';
import { FakeBridge } from '../../support/fake-bridge.ts';

const [home = '', count = '', pageSize = ''] = process.argv.slice(2);
const bridge = new FakeBridge();
const account = bridge.add(1);
for (let i = 0; i < Number(count); i++) account.deliver();
bridge.gate = async (call) => {
  if (call === 'changes') process.send?.('page');
  await new Promise((resolve) => setImmediate(resolve));
};
const mirrors = makeMirrors({ home, edge: bridge, login: bridge.login, log: silentLog, pageSize: Number(pageSize) });
const session = await mirrors.backend.login('user1', 'right', { remoteAddress: '192.0.2.1' });
await session?.ready();
