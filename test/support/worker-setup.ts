/** Every Worker test file starts with empty databases that have all migrations. */
import { applyD1Migrations, env } from 'cloudflare:test';
import { beforeAll } from 'vitest';

beforeAll(async () => {
  await applyD1Migrations(env.DIRECTORY, env.TEST_MIGRATIONS.directory);
  await applyD1Migrations(env.MAIL_0, env.TEST_MIGRATIONS.mail);
});
