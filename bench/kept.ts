/** What was started and has to be stopped, whatever becomes of the measurement that started it. */

interface Stoppable {
  stop(): Promise<void>;
}

const stops = new Set<() => Promise<void>>();

/** What is being started, to be stopped by its own `stop` or by `stopKept`, also when that comes before it is there. */
export async function kept<Resource extends Stoppable>(starting: Promise<Resource>): Promise<Resource> {
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= starting.then(resource => resource.stop()).finally(() => stops.delete(stop));
    return stopped;
  };
  stops.add(stop);
  try {
    return { ...(await starting), stop };
  } catch (error) {
    stops.delete(stop);
    throw error;
  }
}

/** Stops all that runs, the latest first. What fails to stop keeps back no other. */
export async function stopKept(): Promise<void> {
  for (const stop of [...stops].reverse()) await stop().catch(() => {});
}
