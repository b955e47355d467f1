/** Core/echo (RFC 8620 §4): the arguments come back as they are. */
import type { Method } from '../context.ts';

export const coreEcho: Method = async (args) => args;
