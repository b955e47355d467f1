import { Hono } from 'hono';
import type { Env } from '../env.ts';

export const submitRoutes = new Hono<{ Bindings: Env }>();
