/** The new path; undefined where there was nothing to move. */
export function putAside(folder: string): string | undefined
