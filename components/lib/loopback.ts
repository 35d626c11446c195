/** Is this host name, as a URL has it, the machine itself? Only such hosts are spoken to without TLS. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}
