import { expect, test } from 'vitest'
import { describeDevice, deviceReader } from '../../src/core/device.ts'
import { DEVICE_HEADERS, RELEVANT_HEADERS, type RequestFacts } from '../../src/core/request.ts'

test('a device is described by the listed headers alone, so it can be memoized', () => {
  const read = new Set<string>()
  const headers = new Proxy<Record<string, string>>(
    { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Chrome/141.0.0.0' },
    {
      get(target, name) {
        read.add(String(name))
        return target[String(name)]
      },
    },
  )
  const request: RequestFacts = { ip: null, method: 'GET', url: '/', headers }

  describeDevice(request)
  deviceReader()(request)

  expect([...read].sort()).toEqual([...DEVICE_HEADERS].sort())
})

test('the headers of a device are among those that adapters pass on', () => {
  expect(RELEVANT_HEADERS).toEqual(expect.arrayContaining([...DEVICE_HEADERS]))
})
