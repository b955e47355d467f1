/** Every JMAP method, by the name clients call it and the capability they must be using. */
import { CORE } from '../../../shared/jmap/capabilities.ts';
import type { Method } from '../context.ts';
import { coreEcho } from './core-echo.ts';

interface MethodEntry {
  capability: string;
  run: Method;
}

const BY_CAPABILITY: Record<string, Record<string, Method>> = {
  [CORE]: {
    'Core/echo': coreEcho,
  },
};

export const METHODS: ReadonlyMap<string, MethodEntry> = new Map(
  Object.entries(BY_CAPABILITY).flatMap(([capability, methods]) =>
    Object.entries(methods).map(([name, run]) => [name, { capability, run }] as const),
  ),
);
