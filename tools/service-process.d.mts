/** True when nobody listens on the port of this machine's loopback address. */
export function isFree(port: number): Promise<boolean>
