/** The Worker's bindings as tests see them through `cloudflare:test`. */
declare namespace Cloudflare {
  interface Env extends Omit<import('../../workers/env.ts').Env, never> {
    TEST_MIGRATIONS: { directory: import('cloudflare:test').D1Migration[]; mail: import('cloudflare:test').D1Migration[] };
  }
}
