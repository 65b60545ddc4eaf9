import type { ClientFacts } from '../../src/core/request.ts'

/** What a real browser sends with a navigation, and what its page tells. */
export interface Browser {
  readonly headers: Readonly<Record<string, string>>
  readonly client: ClientFacts
}

const WEBKIT = 'AppleWebKit/537.36 (KHTML, like Gecko)'
const WINDOWS = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64)'
const MAC = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)'
const NAVIGATION = {
  'sec-fetch-site': 'none',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
}

function browser(
  agent: string,
  language: string,
  { hints = {}, screen = '1920x1080x1', timezone = 'Europe/Oslo' } = {},
): Browser {
  const languages = language.split(',').map((tag) => tag.replace(/;.*/, ''))
  return {
    headers: { 'user-agent': agent, 'accept-language': language, ...hints, ...NAVIGATION },
    client: { screen, timezone, languages },
  }
}

function hints(brands: string, platform: string, mobile = false): Readonly<Record<string, string>> {
  return {
    'sec-ch-ua': `${brands}, "Chromium";v="150", "Not/A)Brand";v="99"`,
    'sec-ch-ua-mobile': mobile ? '?1' : '?0',
    'sec-ch-ua-platform': `"${platform}"`,
  }
}

/** Browsers as they come, of one version where that can be. */
export const BROWSERS: Readonly<Record<string, Browser>> = {
  chrome: browser(`${WINDOWS} ${WEBKIT} Chrome/150.0.0.0 Safari/537.36`, 'nb-NO,nb;q=0.9', {
    hints: hints('"Google Chrome";v="150"', 'Windows'),
  }),
  brave: browser(`${WINDOWS} ${WEBKIT} Chrome/150.0.0.0 Safari/537.36`, 'nb-NO,nb;q=0.9', {
    hints: hints('"Brave";v="150"', 'Windows'),
  }),
  chromeAbroad: browser(`${WINDOWS} ${WEBKIT} Chrome/150.0.0.0 Safari/537.36`, 'ja,en;q=0.8', {
    hints: hints('"Google Chrome";v="150"', 'Windows'),
    screen: '2560x1440x1',
    timezone: 'Asia/Tokyo',
  }),
  edge: browser(`${WINDOWS} ${WEBKIT} Chrome/150.0.0.0 Safari/537.36 Edg/150.0.0.0`, 'nb-NO', {
    hints: hints('"Microsoft Edge";v="150"', 'Windows'),
  }),
  android: browser(
    `Mozilla/5.0 (Linux; Android 10; K) ${WEBKIT} Chrome/150.0.0.0 Mobile Safari/537.36`,
    'nb-NO,nb;q=0.9',
    { hints: hints('"Google Chrome";v="150"', 'Android', true), screen: '412x915x2.625' },
  ),
  firefox: browser('Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0', 'nb'),
  safari: browser(
    `${MAC} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15`,
    'nb-NO,nb;q=0.9',
    { screen: '1728x1117x2' },
  ),
  iphone: browser(
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 ' +
      '(KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1',
    'nb-NO,nb;q=0.9',
    { screen: '390x844x3' },
  ),
}
