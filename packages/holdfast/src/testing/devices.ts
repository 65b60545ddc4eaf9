/** The headers by which a client describes its device, by lower-case name. */
export type Device = Readonly<Record<string, string>>

/** Devices of people, and `curl`, which describes itself least. */
export const DEVICES = {
  chrome: {
    'user-agent':
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) ' +
      'Chrome/141.0.0.0 Safari/537.36',
    'accept-language': 'en-GB,en;q=0.9',
    'sec-ch-ua': '"Google Chrome";v="141", "Not?A_Brand";v="8", "Chromium";v="141"',
    'sec-ch-ua-mobile': '?0',
    'sec-ch-ua-platform': '"Windows"',
  },
  firefox: {
    'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    'accept-language': 'de,en-US;q=0.7,en;q=0.3',
  },
  iphone: {
    'user-agent':
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 ' +
      '(KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1',
    'accept-language': 'fr-FR,fr;q=0.9',
  },
  curl: { 'user-agent': 'curl/8.14.1' },
} as const satisfies Readonly<Record<string, Device>>
