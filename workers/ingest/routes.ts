import { Hono } from 'hono';
import type { Env } from '../env.ts';

export const ingestRoutes = new Hono<{ Bindings: Env }>();
