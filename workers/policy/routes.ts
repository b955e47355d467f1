import { Hono } from 'hono';
import type { Env } from '../env.ts';

export const policyRoutes = new Hono<{ Bindings: Env }>();
