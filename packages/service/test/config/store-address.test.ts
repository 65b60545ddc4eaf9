import { describe, expect, test } from 'vitest'
import { formatStoreAddress, parseStoreAddress } from '../../src/config/store-address.ts'

const ONE = { kind: 'redis', form: 'single', tls: false, database: 0 }
const here = [{ host: 'h', port: 6379 }]

describe('an address of a store', () => {
  test.each([
    ['memory:', { kind: 'memory' }],
    ['lmdb:/var/lib/holdfast', { kind: 'lmdb', path: '/var/lib/holdfast' }],
    ['lmdb:.holdfast/store', { kind: 'lmdb', path: '.holdfast/store' }],
    ['lmdb:../store~1', { kind: 'lmdb', path: '../store~1' }],
    ['lmdb:C:\\holdfast', { kind: 'lmdb', path: 'C:\\holdfast' }],
    ['redis://h', { ...ONE, hosts: here }],
    ['redis://h:6380/3', { ...ONE, hosts: [{ host: 'h', port: 6380 }], database: 3 }],
    ['redis://h/', { ...ONE, hosts: here }],
    ['redis://[::1]:6380', { ...ONE, hosts: [{ host: '::1', port: 6380 }] }],
    ['rediss://h', { ...ONE, tls: true, hosts: here }],
    ['valkey://h', { ...ONE, hosts: here }],
    ['valkeys://h', { ...ONE, tls: true, hosts: here }],
    ['redis://a%3Ab:p%40%2F%23@h', { ...ONE, hosts: here, user: 'a:b', password: 'p@/#' }],
    ['redis://:p:q@h', { ...ONE, hosts: here, password: 'p:q' }],
    ['redis://a@h', { ...ONE, hosts: here, user: 'a' }],
    [
      'redis+sentinel://u:p@h1:26380,h2,[::1]/main/2',
      {
        kind: 'redis',
        form: 'sentinel',
        tls: false,
        hosts: [
          { host: 'h1', port: 26380 },
          { host: 'h2', port: 26379 },
          { host: '::1', port: 26379 },
        ],
        master: 'main',
        database: 2,
        user: 'u',
        password: 'p',
      },
    ],
    ['valkeys+sentinel://h/main', { form: 'sentinel', tls: true, master: 'main', database: 0 }],
    [
      'redis+cluster://h1:7000,h2',
      {
        ...ONE,
        form: 'cluster',
        hosts: [
          { host: 'h1', port: 7000 },
          { host: 'h2', port: 6379 },
        ],
      },
    ],
    ['rediss+cluster://h/0', { form: 'cluster', tls: true }],
    ['unix:/run/r.sock', { ...ONE, hosts: [], socket: '/run/r.sock' }],
    ['unix:///run/r.sock?db=2', { ...ONE, hosts: [], socket: '/run/r.sock', database: 2 }],
    ['unix:/r?username=a&password=b%26', { socket: '/r', user: 'a', password: 'b&' }],
  ])('%s', (text, address) => {
    expect(parseStoreAddress(text)).toMatchObject(address)
  })

  test.each([
    ['mysql://x', /names no store \("mysql:\/\/"\)/, /redis:\/\//],
    ['redis+sentinels://x/main', /names no store/, /redis\+sentinel:\/\//],
    ['sesame@h', /names no store$/, /redis:\/\//],
    ['lmdb:', /no folder/, /lmdb:DIR/],
    ['lmdb:///var/lib/holdfast', /no URL/, /lmdb:\/var\/lib\/holdfast\.$/],
    ['lmdb:~/holdfast', /nobody expands/, /whole path/],
    ['lmdb:$HOME/holdfast', /nobody expands/, /whole path/],
    ['lmdb:/var/lib/my%20store', /nobody expands/, /whole path/],
    ['lmdb:/', /no folder of its own/, /for the store alone/],
    ['lmdb:..', /no folder of its own/, /for the store alone/],
    ['redis://', /no server/, /6379/],
    ['redis://h1,h2', /several servers/, /sentinel.*cluster/],
    ['redis://h:0', /no server/, /1 to 65535/],
    ['redis://h:70000', /no server/, /1 to 65535/],
    ['redis://[h]', /no server/, /6379/],
    ['redis+cluster://h1,,h3', /no 2nd server/, /6379/],
    ['redis+sentinel://h1,h2', /under which name/, /HOST\/NAME/],
    ['redis+sentinel://h1,h2/main/x', /no number of a database/, /number/],
    ['redis://h/x', /no number of a database/, /number/],
    ['redis://h/1/2', /no number of a database/, /number/],
    ['redis+cluster://h/2', /Cluster has 0 alone/, /Remove/],
    ['redis://u:sesame/me@h', /user or a password/, /%2F.*storePassword/],
    ['redis://u:ses@me@h', /user or a password/, /%40/],
    ['redis://u:sesame%@h', /percent-encoding/, /%25/],
    ['redis://h?password=sesame', /takes no options/, /settings of their own/],
    ['redis://u:ses ame@h', /a space/, /percent-encoded/],
    ['unix:r.sock', /absolute path/, /unix:\//],
    [`unix:/${'x'.repeat(120)}`, /107 bytes/, /unix:\//],
    ['unix:/r?passwd=sesame', /none of db/, /db=0/],
  ])('that is none says why, and no secret: %s', (text, problem, fix) => {
    const read = parseStoreAddress(text)

    expect(read).toMatchObject({
      problem: expect.stringMatching(problem),
      fix: expect.stringMatching(fix),
    })
    expect(JSON.stringify(read)).not.toMatch(/ses(?:a|@| a)/)
  })

  test.each([
    ['redis://u:p@h', 'redis://***:***@h:6379/0'],
    ['redis://:p@h/1', 'redis://:***@h:6379/1'],
    ['valkeys+sentinel://h1,h2:1/main', 'rediss+sentinel://h1:26379,h2:1/main/0'],
    ['redis+cluster://[::1],h', 'redis+cluster://[::1]:6379,h:6379'],
    ['unix:/r?db=1&password=p', 'unix:/r?db=1'],
    ['lmdb:/d', 'lmdb:/d'],
  ])('%s is shown as %s', (text, shown) => {
    const read = parseStoreAddress(text)
    if ('problem' in read) throw new Error(read.problem)

    expect(formatStoreAddress(read, '***')).toBe(shown)
  })
})
