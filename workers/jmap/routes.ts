import { Hono } from 'hono';
import type { Env } from '../env.ts';

export const jmapRoutes = new Hono<{ Bindings: Env }>();
