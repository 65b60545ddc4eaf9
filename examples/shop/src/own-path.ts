/** A path on this site: nothing that a browser would read as another host. */
export function isOwnPath(path: string): boolean {
  return /^\/(?![/\\])[\w\-./?=&%]*$/.test(path) && path.length <= 512
}
