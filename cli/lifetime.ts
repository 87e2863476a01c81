/**
 * Calls `stop` once when this process shall end: Ctrl+C, a service manager, or the parent that started it is gone
 * (also by kill -9: its channel closes). Ends the process when `stop` is done, or after `patienceMs`.
 */
export function endGracefully(stop: () => Promise<void>, patienceMs = 8_000): void {
  let ending = false;
  const end = (): void => {
    if (ending) return;
    ending = true;
    setTimeout(() => process.exit(1), patienceMs).unref();
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
        process.exit(1);
      },
    );
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, end);
  if (process.connected) {
    process.on("disconnect", end);
    // Listening must not keep a process alive that has nothing left to do.
    process.channel?.unref();
  }
}
