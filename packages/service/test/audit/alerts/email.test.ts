import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { alertOf } from '../../../src/audit/alerts/alert.ts'
import { type MailerOptions, smtpMailer } from '../../../src/audit/alerts/mailer.ts'
import type { Delivery } from '../../../src/audit/alerts/target.ts'
import { email } from '../../../src/audit/alerts/targets/email.ts'
import { certificateFor } from './certificate.ts'
import { mailServer } from './mail-server.ts'
import { incident } from './support.ts'

const TO = ['soc@example.com', 'ops@example.com']
const ALERT = alertOf(incident(), 'opened', { console: 'https://console.example', name: 'ada' })

function send(
  options: Partial<MailerOptions> & { readonly port: number },
  to: readonly string[] = TO,
  signal: AbortSignal = AbortSignal.timeout(60_000),
): Promise<Delivery> {
  const mailer = smtpMailer({
    host: '127.0.0.1',
    tls: 'off',
    from: 'holdfast@example.com',
    reach: { allowPrivate: true },
    ...options,
  })
  return email(mailer, { to }).deliver(ALERT, { signal })
}

test('a mail has the alert as text and as HTML, and the same id at each try', async () => {
  const { port, received } = await mailServer()

  const first = await send({ port })
  const second = await send({ port })

  const [one, two] = received
  expect([first, second]).toEqual(['delivered', 'delivered'])
  expect(one?.to).toEqual(TO)
  expect(one?.mail.subject).toBe('[high] Two holders of one secret')
  expect(one?.mail.messageId).toBe(`<${ALERT.id}@example.com>`)
  expect(two?.mail.messageId).toBe(one?.mail.messageId)
  expect(one?.mail.references).toBe('<incident-1@example.com>')
  expect(one?.mail.headers.get('auto-submitted')).toBe('auto-generated')
  for (const body of [one?.mail.text, one?.mail.html || '']) {
    expect(body).toContain('Two browsers used one secret.')
    expect(body).toContain('203.0.113.0/24')
    expect(body).toContain('https://console.example/incidents/incident-1')
    expect(body).toContain(`holdfast alerts show ${ALERT.id}`)
  }
  expect(one?.mail.html).not.toMatch(/<(?:img|script|link|iframe)/)
})

describe('over TLS', () => {
  const lookup: NonNullable<MailerOptions['reach']['lookup']> = (_, options, done) => {
    if (options.all === true) done(null, [{ address: '127.0.0.1', family: 4 }])
    else done(null, '127.0.0.1', 4)
  }

  test.each(['implicit', 'starttls'] as const)('%s, the certificate is checked', async (tls) => {
    const { key, cert } = certificateFor('mail.example')
    const { port, received } = await mailServer({
      key,
      cert,
      secure: tls === 'implicit',
      disabledCommands: [],
    })
    const options = { port, tls, host: 'mail.example' }

    const known = await send({ ...options, reach: { allowPrivate: true, lookup, ca: cert } })
    const unknown = await send({ ...options, reach: { allowPrivate: true, lookup } })
    const named = await send({
      ...options,
      host: 'other.example',
      reach: { allowPrivate: true, lookup, ca: cert },
    })

    expect(known).toBe('delivered')
    expect(unknown).toMatchObject({ problem: expect.stringContaining('It cannot be reached') })
    expect(named).toMatchObject({ problem: expect.stringContaining('It cannot be reached') })
    expect(received.map(({ secure }) => secure)).toEqual([true])
  })

  test('a server without STARTTLS gets neither mail nor password', async () => {
    const { port, received } = await mailServer()

    const delivery = await send({ port, tls: 'starttls', user: 'ada', password: 'secret' })

    expect(delivery).toMatchObject({ problem: expect.any(String) })
    expect(received).toEqual([])
  })
})

describe('a mail server', () => {
  test('asks for a name and a password', async () => {
    const { port, received } = await mailServer({
      authOptional: false,
      authMethods: ['PLAIN'],
      onAuth({ username, password }, _, done) {
        const known = username === 'holdfast' && password === 'right'
        if (known) done(null, { user: username })
        else done(new Error('no'))
      },
    })

    const right = await send({ port, user: 'holdfast', password: 'right' })
    const wrong = await send({ port, user: 'holdfast', password: 'wrong-password' })

    expect(right).toBe('delivered')
    expect(wrong).toEqual({ problem: 'The mail server answered 535.', mostTries: 3 })
    expect(received).toHaveLength(1)
  })

  test.each([
    [550, { problem: 'The mail server answered 550.', mostTries: 3 }],
    [451, { problem: 'The mail server answered 451.' }],
  ])('that refuses the receivers with %d', async (responseCode, delivery) => {
    const { port } = await mailServer({
      onRcptTo(_, __, done) {
        done(Object.assign(new Error('words of a stranger'), { responseCode }))
      },
    })

    expect(await send({ port })).toEqual(delivery)
  })

  test('that refuses one of two receivers has taken the mail for the other', async () => {
    const { port, received } = await mailServer({
      onRcptTo({ address }, _, done) {
        done(address.startsWith('ops') ? new Error('no such user') : null)
      },
    })

    expect(await send({ port })).toBe('delivered')
    expect(received[0]?.to).toEqual(['soc@example.com'])
  })

  test('that hangs is left when the signal says so', async () => {
    const server = createServer(() => {})
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      server.close()
    })
    const { port } = server.address() as AddressInfo

    const delivery = await send({ port }, TO, AbortSignal.timeout(50))

    expect(delivery).toMatchObject({ problem: expect.any(String) })
  })

  test('inside is refused, by address and by name', async () => {
    const { port, received } = await mailServer()
    const reach = { allowPrivate: false }

    const deliveries = [await send({ port, reach }), await send({ port, reach, host: 'localhost' })]

    expect(deliveries).toEqual(
      Array(2).fill({
        problem: 'It leads to an address that is not public. Set allowPrivate.',
        mostTries: 3,
      }),
    )
    expect(received).toEqual([])
  })
})

test.each([
  'a@example.com, b@example.com',
  'a@example.com\r\nBcc: eve@example.com',
  'Ada <a@example.com>',
  'a@example.com>\r\nDATA',
  '',
])('what is no single address gets no mail: %j', async (to) => {
  const { port, received } = await mailServer()

  expect(await send({ port }, [to])).toEqual({ dead: 'What it should go to is no mail address.' })
  expect(received).toEqual([])
})
