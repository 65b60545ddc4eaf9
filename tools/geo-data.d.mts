/**
 * Paths of MMDB files, as `geoLookup()` takes them; converts the ASN table first when that has not
 * been done.
 */
export function geoData(): Promise<{ readonly city: string[]; readonly asn: string[] }>
