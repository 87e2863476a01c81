/** Tells open streams that something changed; what changed they read from the store themselves. */
export interface LiveFeed {
  /** Entries of this checkpoint were committed, or somebody's rights there changed. */
  changed(checkpointId: string): void;
  /** Calls `listener` after each change of the checkpoint until the returned function is called. */
  listen(checkpointId: string, listener: () => void): () => void;
}

export function liveFeed(): LiveFeed {
  const listeners = new Map<string, Set<() => void>>();
  return {
    changed(checkpointId) {
      for (const listener of listeners.get(checkpointId) ?? []) listener();
    },
    listen(checkpointId, listener) {
      const here = listeners.get(checkpointId) ?? new Set();
      listeners.set(checkpointId, here.add(listener));
      return () => {
        here.delete(listener);
        if (here.size === 0 && listeners.get(checkpointId) === here) listeners.delete(checkpointId);
      };
    },
  };
}
