import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { linesByTurn, serviceLog } from '../../src/main/log.ts'

test('the lines of one turn are one write, whole and in their order', async () => {
  const writes: string[] = []
  const log = serviceLog(
    'info',
    linesByTurn((text) => writes.push(text)),
  )

  log.info('first')
  await Promise.resolve()
  log.warn({ token: 'hf1.secret' }, 'second')
  await nextTurn()
  log.info('third')
  await nextTurn()

  const texts = writes.map((text) => text.split('\n').filter((line) => line !== ''))
  const messages = texts.map((lines) => lines.map((line) => JSON.parse(line).msg))
  expect(messages).toEqual([['first', 'second'], ['third']])
  expect(writes.join('')).not.toContain('hf1.secret')
})

test('what a process has not written yet when it ends is written then, once', async () => {
  const writes: string[] = []
  const lines = linesByTurn((text) => writes.push(text))

  lines.write('last\n')
  lines.flush()
  await nextTurn()

  expect(writes).toEqual(['last\n'])
})

test('a write that fails is thrown, and the lines after it are written', async () => {
  const writes: string[] = []
  const lines = linesByTurn((text) => {
    if (text === 'first\n') throw new Error('the pipe is full')
    writes.push(text)
  })

  lines.write('first\n')
  expect(lines.flush).toThrow('the pipe is full')
  lines.write('second\n')
  await nextTurn()

  expect(writes).toEqual(['second\n'])
})
