import { Hono } from 'hono';
import type { Env } from '../env.ts';

export const adminRoutes = new Hono<{ Bindings: Env }>();
