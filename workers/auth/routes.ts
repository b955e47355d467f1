import { Hono } from 'hono';
import type { Env } from '../env.ts';

export const authRoutes = new Hono<{ Bindings: Env }>();
