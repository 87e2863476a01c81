/** Waits for `work`, and no longer once `stopping` says so: work that goes on by itself holds up nobody who stops. */
export function unlessStopped<T>(stopping: AbortSignal, work: Promise<T>, otherwise: T): Promise<T> {
  const { promise, resolve } = Promise.withResolvers<T>();
  const stop = (): void => resolve(otherwise);
  stopping.addEventListener("abort", stop);
  if (stopping.aborted) stop();
  return Promise.race([work, promise]).finally(() => stopping.removeEventListener("abort", stop));
}
