/** A row that goals are about. */
export const ROTATION = 'refresh on Redis'
