/** What the bench has started, so that all of it ends with it, also on Ctrl-C: processes, listeners, folders. */

type End = () => Promise<unknown>;

const open = new Set<End>();

/** Runs `work` with what `start` made, and ends that afterwards, whatever happens. */
export async function using<T, R>(
  start: () => Promise<T>,
  end: (started: T) => Promise<unknown>,
  work: (started: T) => Promise<R>,
): Promise<R> {
  const starting = start();
  const ending: End = async () => end(await starting);
  open.add(ending);
  try {
    const started = await starting;
    try {
      return await work(started);
    } finally {
      await ending();
    }
  } finally {
    open.delete(ending);
  }
}

/** Ends all that is still open, the latest first. */
export async function endAll(): Promise<void> {
  for (const end of [...open].reverse()) await end().catch(() => {});
  open.clear();
}
