/** The brokers that a cluster can have: how they are started, and what they say when they can be used. */
export const brokers = {
  nats: {
    program: "nats-server",
    args: (port, folder) => ["-a", "127.0.0.1", "-p", String(port), "-js", "-sd", folder],
    isReady: /Server is ready/,
  },
  redis: {
    program: "redis-server",
    args: (port, folder) => [
      "--bind",
      "127.0.0.1",
      "--port",
      String(port),
      "--dir",
      folder,
      "--save",
      "",
      "--appendonly",
      "yes",
    ],
    isReady: /Ready to accept connections/,
  },
};
