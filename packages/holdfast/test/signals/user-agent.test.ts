import { describe, expect, test } from 'vitest'
import { classifyUserAgent } from '../../src/core/user-agent.ts'

const WEBKIT = 'AppleWebKit/537.36 (KHTML, like Gecko)'
const WINDOWS = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64)'
const IPHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15'

describe('browsers are told by family, major version and system', () => {
  test.each([
    [
      `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${WEBKIT} Chrome/156.0.0.0 Safari/537.36`,
      'chrome',
      156,
      'windows',
      false,
    ],
    [
      `Mozilla/5.0 (X11; Linux x86_64) ${WEBKIT} HeadlessChrome/156.0.0.0 Safari/537.36`,
      'chrome',
      156,
      'linux',
      false,
    ],
    [
      `Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${WEBKIT} Chrome/150.0.0.0 Safari/537.36`,
      'chrome',
      150,
      'chromeos',
      false,
    ],
    [
      `Mozilla/5.0 (Linux; Android 10; K) ${WEBKIT} Chrome/155.0.0.0 Mobile Safari/537.36`,
      'chrome',
      155,
      'android',
      true,
    ],
    [
      `${IPHONE} (KHTML, like Gecko) CriOS/155.0.6312.52 Mobile/15E148 Safari/604.1`,
      'chrome',
      155,
      'ios',
      true,
    ],
    [
      `${WINDOWS} ${WEBKIT} Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0`,
      'edge',
      156,
      'windows',
      false,
    ],
    [
      `${WINDOWS} ${WEBKIT} Chrome/154.0.0.0 Safari/537.36 OPR/120.0.0.0`,
      'opera',
      120,
      'windows',
      false,
    ],
    [
      `Mozilla/5.0 (Linux; Android 14; SM-S918B) ${WEBKIT} ` +
        'SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36',
      'samsung',
      25,
      'android',
      true,
    ],
    [
      'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
      'firefox',
      145,
      'linux',
      false,
    ],
    [
      `${IPHONE} (KHTML, like Gecko) FxiOS/144.0 Mobile/15E148 Safari/605.1.15`,
      'firefox',
      144,
      'ios',
      true,
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 ' +
        '(KHTML, like Gecko) Version/18.1 Safari/605.1.15',
      'safari',
      18,
      'macos',
      false,
    ],
    [
      `${IPHONE} (KHTML, like Gecko) Version/17.4 Mobile/15E148 Safari/604.1`,
      'safari',
      17,
      'ios',
      true,
    ],
    [
      `Mozilla/5.0 (Linux; Android 14; CUBOT X18) ${WEBKIT} Chrome/150.0.0.0 Mobile Safari/537.36`,
      'chrome',
      150,
      'android',
      true,
    ],
    [
      `Mozilla/5.0 (Linux; Android 14; Pixel 8; wv) ${WEBKIT} ` +
        'Version/4.0 Chrome/150.0.0.0 Mobile Safari/537.36',
      'app',
      150,
      'android',
      true,
    ],
  ] as const)('%s', (text, family, major, os, mobile) => {
    expect(classifyUserAgent(text)).toEqual({ family, major, os, mobile })
  })
})

describe('a device is no robot for its name, and an agent none for its case', () => {
  const android = (model: string) =>
    `Mozilla/5.0 (Linux; Android 9; ${model}) ${WEBKIT} Chrome/150.0.0.0 Mobile Safari/537.36`

  test.each([
    'XBot Junior',
    'M bot 54',
    'VR BOT 552 Build/LMY47I',
    'CUBOT X18',
    'Spider-Man phone',
  ])('%s', (model) => {
    const found = { family: 'chrome', major: 150, os: 'android' }

    expect(classifyUserAgent(android(model))).toMatchObject(found)
    expect(classifyUserAgent(android(model).toLowerCase())).toMatchObject(found)
    expect(classifyUserAgent(`Shop/2.3 (${model}; Android 9)`)).toMatchObject({ family: 'app' })
  })

  test.each([
    `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${WEBKIT} Chrome/150.0.0.0 Safari/537.36`,
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 ' +
      '(KHTML, like Gecko) Version/18.1 Safari/605.1.15',
    'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
  ])('%s in lower case', (text) => {
    expect(classifyUserAgent(text.toLowerCase())).toEqual(classifyUserAgent(text))
  })

  test.each([
    `${android('Nexus 5X').replace('Safari/', 'Safari (compatible; Googlebot/2.1; +http://x) ')}`,
    'Mozilla/5.0 (KHTML, like Gecko; compatible; bingbot/2.0; +http://x) Chrome/150.0',
    'Mozilla/5.0 (Linux; Android 9; compatible; SomeBot/1.0; +http://x) Chrome/150.0.0.0',
    android('Pixel 8').concat(' AdsBot/1.0'),
  ])('%s is still a robot', (text) => {
    expect(classifyUserAgent(text).family).toBe('automation')
    expect(classifyUserAgent(text.toUpperCase()).family).toBe('automation')
  })
})

describe('what does not even claim to be Mozilla is no browser', () => {
  test.each([
    'curl/8.5.0',
    'Wget/1.21',
    'python-requests/2.32.0',
    'okhttp/4.12.0',
    'Go-http-client/1.1',
    'node',
    'axios/1.7.2',
    'PostmanRuntime/7.39',
    'x',
    'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
    'Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.22621',
  ])('%s is automation', (text) => {
    expect(classifyUserAgent(text).family).toBe('automation')
  })

  test.each([
    ['Shop/2.3 (iPhone; iOS 17.4; Scale/3.00)', 'ios'],
    ['Shop/118 CFNetwork/1408.0.4 Darwin/22.5.0', 'unknown'],
    ['Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8)', 'android'],
  ])('%s is a native app', (text, os) => {
    expect(classifyUserAgent(text)).toMatchObject({ family: 'app', os })
  })

  test('no user agent is unknown, which is no evidence of anything', () => {
    expect(classifyUserAgent('  ')).toEqual({
      family: 'unknown',
      major: null,
      os: 'unknown',
      mobile: false,
    })
  })
})

test('what comes after the first 1,024 characters is not looked at', () => {
  const hostile = [
    'Mozilla/5.0 '.repeat(900),
    `Mozilla/5.0 ${'Version/1'.repeat(1200)}`,
    `Mozilla/5.0 ${'Chrome/'.repeat(1500)}`,
    `Mozilla/5.0 Version/${'9'.repeat(10_000)}`,
    `${' '.repeat(10_000)}x`,
    'Edg'.repeat(3500),
  ]

  for (const text of hostile) {
    const looked = classifyUserAgent(text.slice(0, 1024))

    expect(classifyUserAgent(text)).toEqual(looked)
    expect(classifyUserAgent(`${text} (Windows) Firefox/150`)).toEqual(looked)
  }
})
