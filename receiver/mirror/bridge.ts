/**
 * The part of the edge that a mirror needs, as a type of its own: tests stand in for it with
 * `test/support/fake-bridge.ts` (shared/protocol.ts, "bridge").
 */
import type { Edge } from '../edge.ts';

export type Bridge = Pick<Edge, 'changes' | 'search' | 'commit' | 'heads' | 'openPush' | 'getBlob' | 'putBlob'>;
