import type { PageWindow } from '../../src/browser/index.ts'

type Changeable = Pick<PageWindow, 'screen' | 'navigator'>

/** The parts of a window that the module reads, and what it did to them. */
export function pageOf(
  start: Changeable = {},
  { origin = 'https://shop.example', keepsSecure = true } = {},
): {
  readonly page: PageWindow
  readonly written: string[]
  readonly visited: string[]
  change(changes: Changeable): void
  fire(type: string): void
} {
  const written: string[] = []
  const visited: string[] = []
  const listeners = new Map<string, () => void>()
  const cookies = new Map([['other', '1']])
  let state: Changeable = {
    screen: { width: 2560, height: 1440 },
    navigator: {
      languages: ['nb-NO', 'en', 'not a tag'],
      platform: 'Win32',
      userAgentData: { platform: 'Windows' },
      maxTouchPoints: 0,
    },
    ...start,
  }

  const page: PageWindow = {
    devicePixelRatio: 1.25,
    get screen() {
      return state.screen
    },
    get navigator() {
      return state.navigator
    },
    document: {
      get cookie() {
        return [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      },
      set cookie(line: string) {
        written.push(line)
        if (!keepsSecure && line.endsWith('; Secure')) return
        const pair = line.split(';', 1)[0] ?? ''
        const equals = pair.indexOf('=')
        cookies.set(pair.slice(0, equals), pair.slice(equals + 1))
      },
    },
    location: {
      origin,
      pathname: '/cart',
      search: '?coupon=1',
      assign: (url) => void visited.push(url),
    },
    addEventListener: (type, listener) => void listeners.set(type, listener),
  }

  return {
    page,
    written,
    visited,
    change(changes) {
      state = { ...state, ...changes }
    },
    fire: (type) => listeners.get(type)?.(),
  }
}
