/**
 * The configuration of haproxy that the docs advise, for these ports.
 *
 * @param page the docs' text, with one block of haproxy's configuration
 */
export function haproxyConfig(page, port, nodePorts) {
  const [, block] = /```haproxy\n([\s\S]*?)```/.exec(page);
  return block
    .replace(/bind .*/, `bind 127.0.0.1:${port}`)
    .replaceAll(/(?: *server node\d+ .*\n)+/g, (lines) =>
      nodePorts
        .map((nodePort, at) => {
          const [, options] = /server node1 \S+(.*)/.exec(lines);
          return `  server node${at + 1} 127.0.0.1:${nodePort}${options}\n`;
        })
        .join(""),
    );
}
