/**
 * Builds the webmail: one small first chunk (log in, folders, list); the reader and the composer come
 * when they are needed. Output is `dist`, which wrangler.toml serves as static assets.
 */
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  base: '/',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: { outDir: 'dist', emptyOutDir: true, target: 'es2022', modulePreload: { polyfill: false }, sourcemap: false },
});
