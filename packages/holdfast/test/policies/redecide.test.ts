import { expect, test } from 'vitest'
import { balanced, redecide } from '../../src/policies/index.ts'
import { calm } from './calm.ts'

test('a decision that is not the policy alone, or none, cannot be made again', () => {
  expect(redecide(balanced(), { decision: null, situation: calm })).toBeUndefined()
  expect(redecide(balanced(), { decision: balanced()([], calm), situation: null })).toBeUndefined()
})
