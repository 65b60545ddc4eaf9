import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sameText } from '../../src/core/constant-time.ts'

test.each([
  ['', '', true],
  ['a', 'a', true],
  ['secret', 'secret', true],
  ['secret', 'secreT', false],
  ['secret', 'Secret', false],
  ['secret', 'secre', false],
  ['secre', 'secret', false],
  ['', 'a', false],
  ['a', '', false],
  // The differences of two characters must not cancel each other out.
  ['ab', 'ba', false],
  ['aa', 'bb', false],
  // Past the end of the shorter one there is no character, which must not pass for one of code 0.
  ['a\0', 'a', false],
  ['a', 'a\0', false],
  ['\0', '', false],
])('%j and %j are the same text: %s', (a, b, same) => {
  expect(sameText(a, b)).toBe(same)
})

test('two texts are the same exactly where === says so', () => {
  const text = fc.string({ maxLength: 4, unit: fc.constantFrom('a', 'b', '\0', 'é') })

  fc.assert(fc.property(text, text, (a, b) => sameText(a, b) === (a === b)))
})
