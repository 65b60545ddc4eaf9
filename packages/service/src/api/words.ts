import { z } from '@hono/zod-openapi'
import { type Attributes, LIMITS } from 'holdfast'

/** The words that requests and answers share, as schemas. */

export const word = z.string().min(1).max(LIMITS.word)
export const subject = z.string().min(1).max(LIMITS.subject)
export const tenant = z.string().min(1).max(LIMITS.tenant)
export const instant = z.int().describe('UTC, ms since the epoch')

export const sessionId = z
  .string()
  .regex(/^[A-Za-z0-9_-]{43}$/, 'must be a session id')
  .describe('Public id of a session; never a secret')

export const token = z.string().min(1).max(8_192).describe('What the client carries. A secret.')

export const attributes: z.ZodType<Attributes> = z
  .record(z.string(), z.json())
  .openapi('Attributes', {
    type: 'object',
    additionalProperties: true,
    description: `The application's own JSON object, at most ${LIMITS.attributesBytes} bytes`,
  })
