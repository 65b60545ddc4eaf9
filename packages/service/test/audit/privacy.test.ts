import { EVENT_TYPES } from 'holdfast/maintenance'
import { personalFacts, sessionEvent } from 'holdfast/wire'
import { expect, test } from 'vitest'
import { privacyReference } from '../../src/audit/privacy.ts'

test('the register names every field of an event and every type of the catalogue', () => {
  const reference = privacyReference()

  expect(namesOf(sessionEvent).length).toBeGreaterThan(10)
  for (const name of namesOf(sessionEvent)) expect(reference).toContain(`| \`${name}\` | public`)
  for (const name of namesOf(personalFacts)) {
    expect(reference).toContain(`| \`personal.${name}\` | personal`)
  }
  for (const type of EVENT_TYPES) expect(reference).toContain(`| \`${type}\` | `)
})

function namesOf({ form }: typeof sessionEvent | typeof personalFacts): readonly string[] {
  return form.kind === 'object' ? Object.keys(form.fields) : []
}
