import { Hono } from 'hono';
import type { Env } from '../env.ts';

export const bridgeRoutes = new Hono<{ Bindings: Env }>();
