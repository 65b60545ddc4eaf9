/** Thieves who know code, weights and thresholds, with the means of the level of that name. */
export const STARRED = ['A2*', 'A3*', 'A4*'] as const
export type Starred = (typeof STARRED)[number]

export const STARRED_TEXT: Readonly<Record<Starred, string>> = {
  'A2*': 'any network outside the country of the victim, a copy of the browser',
  'A3*': 'any fixed or mobile line of the country, also of the same provider in the same city',
  'A4*': 'the address of the victim, or another one of the same prefix',
}

/**
 * What a thief wants. `reach`: one sensitive action. `stay`: to be served an hour's use, and to
 * come back during two days, without being found.
 */
export const AIMS = ['reach', 'stay'] as const
export type Aim = (typeof AIMS)[number]
