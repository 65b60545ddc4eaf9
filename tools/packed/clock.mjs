import { readFileSync } from 'node:fs'

/**
 * Loaded before a program: its clock is ahead by the milliseconds that a file says, so that whoever
 * started it can move the clock.
 */
const real = Date.now
const file = process.env.HOLDFAST_TEST_CLOCK

if (file !== undefined) Date.now = () => real() + Number(readFileSync(file, 'utf8'))
