import { expect, test } from 'vitest'
import { writeProof } from '../../src/stores/write-proof.ts'

test('a mark that throws at once is a failure, and the next one is tried', async () => {
  let marks = 0
  const proof = writeProof(() => {
    marks++
    if (marks === 1) throw new Error('refused')
    return Promise.resolve()
  })

  await expect(proof.prove()).rejects.toThrow('refused')
  proof.doubt()

  await expect(proof.prove()).resolves.toBeUndefined()
  expect(marks).toBe(2)
})

test('all who ask while a mark is under way share it', async () => {
  let marks = 0
  const proof = writeProof(async () => void marks++)

  await Promise.all([proof.prove(), proof.prove(), proof.prove()])

  expect(marks).toBe(1)
})

test('a doubt while a mark is under way lets it count for nobody who asks later', async () => {
  let marks = 0
  const proof = writeProof(async () => {
    marks++
    if (marks === 1) proof.doubt()
  })

  await proof.prove()
  await proof.prove()

  expect(marks).toBe(2)
})
