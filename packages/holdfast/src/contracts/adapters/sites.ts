import { describe, expect, test } from 'vitest'
import { expectRefusal } from './adapter-answers.ts'
import type { AdapterScene } from './adapter-scene.ts'
import type { RawAnswer } from './raw-http.ts'
import type { Visitor } from './visitor.ts'

/** Requests that another site caused. */
export function keepsOtherSitesOut({ origin, another, loggedIn }: AdapterScene): void {
  describe('keeps other sites out', () => {
    test.each([
      // Sec-Fetch-Site, Origin, status of a GET, status of a POST; own: the own origin
      ['same-origin', 'own', 200, 200],
      ['same-origin', '', 200, 200],
      ['none', '', 200, 200],
      ['same-site', 'https://sibling.example', 200, 403],
      ['same-site', 'own', 200, 403],
      ['cross-site', 'https://evil.example', 403, 403],
      ['cross-site', 'own', 403, 403],
      ['cross-site', '', 403, 403],
      ['', 'own', 200, 200],
      ['', 'https://evil.example', 200, 403],
      ['', 'null', 200, 403],
      ['', '', 200, 403],
      ['future-value', 'own', 200, 200],
      ['future-value', '', 200, 403],
      ['same-origin, cross-site', '', 200, 403],
    ])('Sec-Fetch-Site %j with Origin %j: GET %i, POST %i', async (site, from, get, post) => {
      const { client } = await loggedIn()
      const headers = {
        'sec-fetch-site': site,
        origin: from === 'own' ? origin() : from,
      }

      expect((await client.send('/me', { headers })).status).toBe(get)
      const posted = await client.post('/me', {}, headers)
      expect(posted.status).toBe(post)
      if (post === 403) expectRefusal(posted, 403, 'cross_site_request')
      expect(posted.setCookies).toEqual([])
    })

    test.each([
      ['no word', {}, /Neither Sec-Fetch-Site nor Origin .* `Sec-Fetch-Site: none`/],
      ['another origin', { origin: 'https://evil.example' }, /Origin is "https:\/\/evil.example"/],
      ['a sibling', { 'sec-fetch-site': 'same-site' }, /sibling host .*`sameSite: 'trust'`/],
      ['another site', { 'sec-fetch-site': 'cross-site' }, /another site .*`origins`/],
    ])('and says what was wrong: %s', async (_, headers, expected) => {
      const { client } = await loggedIn()

      const answer = await client.post('/me', {}, { 'sec-fetch-site': '', ...headers })

      expectRefusal(answer, 403, 'cross_site_request')
      expect(answer.json()).toMatchObject({ detail: expect.stringMatching(expected) })
    })

    test('another site may link to a page, but not embed it', async () => {
      const { client } = await loggedIn()
      const navigate = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }

      const linked = await client.send('/me', {
        headers: { ...navigate, 'sec-fetch-dest': 'document' },
      })
      const embedded = await client.send('/me', {
        headers: { ...navigate, 'sec-fetch-dest': 'embed' },
      })

      expect([linked.status, embedded.status]).toEqual([200, 403])
    })

    test('an origin that is named may post, a sibling only if siblings are trusted', async () => {
      const friendly = await another({ origins: ['https://app.example'], sameSite: 'trust' })
      const { client } = await loggedIn(friendly)

      const named = await client.post(
        '/me',
        {},
        { 'sec-fetch-site': 'cross-site', origin: 'https://app.example' },
      )
      const sibling = await client.post('/me', {}, { 'sec-fetch-site': 'same-site' })
      const stranger = await client.post(
        '/me',
        {},
        { 'sec-fetch-site': 'cross-site', origin: 'https://app.example.evil.example' },
      )

      expect([named.status, sibling.status, stranger.status]).toEqual([200, 200, 403])
    })

    test('another site can neither log a visitor in nor out', async () => {
      const { client, subject } = await loggedIn()
      const foreign = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }

      const login = await client.post('/login', { subject: 'attacker' }, foreign)
      const logout = await client.post('/logout', {}, foreign)

      expectRefusal(login, 403, 'cross_site_request')
      expectRefusal(logout, 403, 'cross_site_request')
      expect((await client.send('/me')).json()).toMatchObject({ subject })
    })
  })

  describe('lets another site end a login', () => {
    const IDP = 'https://idp.example'
    const posted = {
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
      origin: IDP,
    }

    test('if it is the one that the login names; the session before is over', async () => {
      const { client, subject } = await loggedIn()
      const before = client.stolenBy()

      const answer = await client.post('/login', { subject, from: IDP }, posted)

      expect(answer.json()).toMatchObject({ subject })
      expect(answer.setCookies).toHaveLength(1)
      expect((await client.send('/me')).json()).toMatchObject({ subject })
      expect((await before.send('/me')).status).toBe(401)
    })

    test('and no other; nothing happens to the session that is there', async () => {
      const { client, subject } = await loggedIn()

      const answers = [
        await client.post('/login', { subject: 'eve', from: IDP }, { ...posted, origin: '' }),
        await client.post('/login', { subject: 'eve', from: IDP }, { ...posted, origin: 'null' }),
        await client.post(
          '/login',
          { subject: 'eve', from: IDP },
          { ...posted, origin: 'https://idp.example.evil.example' },
        ),
        await client.post('/login', { subject: 'eve' }, posted),
      ]

      for (const answer of answers) {
        expectRefusal(answer, 403, 'cross_site_request')
        expect(answer.setCookies).toEqual([])
      }
      expect((await client.send('/me')).json()).toMatchObject({ subject })
    })
  })

  describe('asks forms for their token', () => {
    const FORM = 'application/x-www-form-urlencoded'

    async function tokenOf(client: Visitor): Promise<string> {
      const me = (await client.send('/me')).json()
      if (typeof me !== 'object' || me === null || !('formToken' in me)) throw new Error('none')
      return String(me.formToken)
    }
    function submit(
      client: Visitor,
      type: string,
      { body = '', headers = {} }: { body?: string; headers?: Record<string, string> },
    ): Promise<RawAnswer> {
      return client.send('/me', {
        method: 'POST',
        headers: { 'content-type': type, ...headers },
        body,
      })
    }

    test('a form with the session’s token passes, in the field or in the header', async () => {
      const { client, subject } = await loggedIn()
      const token = await tokenOf(client)

      const field = await submit(client, FORM, { body: `amount=1&_form=${token}` })
      const header = await submit(client, FORM, {
        body: 'amount=1',
        headers: { 'x-form-token': token },
      })

      expect(field.json()).toMatchObject({ subject })
      expect(header.json()).toMatchObject({ subject })
    })

    test('a form without it, or with that of another session, is refused', async () => {
      const { client } = await loggedIn()
      const other = await tokenOf((await loggedIn()).client)

      const answers = [
        await submit(client, FORM, { body: 'amount=1' }),
        await submit(client, FORM, { body: `_form=${other}` }),
        await submit(client, FORM, { body: '_form=' }),
        await submit(client, FORM, { body: `_form=${other}&_form=${await tokenOf(client)}` }),
        await submit(client, FORM, { body: `_form=${await tokenOf(client)}&_form=${other}` }),
        await submit(client, FORM, { body: `_form=${await tokenOf(client)}&_form=${other}` }),
        await submit(client, `${FORM.toUpperCase()}; charset=utf-8`, { body: 'amount=1' }),
      ]

      for (const answer of answers) {
        expectRefusal(answer, 403, 'form_token_invalid')
        expect(answer.body).toMatch(/`_form`.*`x-form-token`/)
      }
    })

    test('a form token does not let another site’s request pass', async () => {
      const { client } = await loggedIn()

      const answer = await submit(client, FORM, {
        headers: { 'x-form-token': await tokenOf(client), 'sec-fetch-site': 'cross-site' },
      })

      expectRefusal(answer, 403, 'cross_site_request')
    })
  })
}
