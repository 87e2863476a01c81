/** Names between main and preload; `port` and `gone` are also the messages the page receives on its own window. */
export const channels = { wanted: "tram-port-wanted", port: "tram-port", gone: "tram-gone" } as const;
