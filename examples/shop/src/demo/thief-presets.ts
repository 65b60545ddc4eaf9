import { FAR, type Home, type Place } from './places.ts'

/** How the thief's requests look. */
export type ThiefBrowser =
  /** Every header and every client fact of the victim's browser, copied with the cookie. */
  'cloned' | { readonly headers: Readonly<Record<string, string>> }

export interface ThiefPreset {
  readonly id: string
  readonly title: string
  readonly about: string
  readonly place: Place
  readonly browser: ThiefBrowser
}

const FIREFOX_ON_WINDOWS = {
  'user-agent': 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0',
  accept: 'application/json',
  'accept-language': 'pt-BR,pt;q=0.8,en-US;q=0.5,en;q=0.3',
}

const SAFARI_ON_IPHONE = {
  'user-agent':
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like ' +
    'Gecko) Version/18.6 Mobile/15E148 Safari/604.1',
  accept: 'application/json',
  'accept-language': 'en-GB,en;q=0.9',
}

const CURL = { 'user-agent': 'curl/8.14.1', accept: '*/*' }

/**
 * From a neighbour to the other side of the world; where the near ones are depends on where the
 * victim is.
 */
export function thiefPresets(victim: Home): readonly ThiefPreset[] {
  const { nextDoor, cafe, otherCity } = victim
  return [
    {
      id: 'tokyo',
      title: 'Tokyo data centre, curl',
      about: `A rented server at ${FAR.tokyo.network}, in ${FAR.tokyo.named}. Not even a browser.`,
      place: FAR.tokyo,
      browser: { headers: CURL },
    },
    {
      id: 'amsterdam',
      title: 'Amsterdam hosting, cloned browser',
      about: `${FAR.amsterdam.network}, with your browser copied to the last header.`,
      place: FAR.amsterdam,
      browser: 'cloned',
    },
    {
      id: 'sao-paulo',
      title: 'Sao Paulo, Firefox',
      about: `A living room on ${FAR.saoPaulo.network}, another browser, another language.`,
      place: FAR.saoPaulo,
      browser: { headers: FIREFOX_ON_WINDOWS },
    },
    {
      id: 'cafe',
      title: `A café in ${cafe.city}, iPhone`,
      about: `Your city, but ${cafe.network} and another device.`,
      place: cafe,
      browser: { headers: SAFARI_ON_IPHONE },
    },
    {
      id: 'other-city',
      title: `${otherCity.city}, your provider`,
      about: `${otherCity.network} as you, with a cloned browser.`,
      place: otherCity,
      browser: 'cloned',
    },
    {
      id: 'next-door',
      title: 'Next door, cloned browser',
      about:
        'Nothing to see but the rotating secret. Let him order, then watch your desk for a ' +
        'minute: two holders get found out.',
      place: nextDoor,
      browser: 'cloned',
    },
  ]
}
