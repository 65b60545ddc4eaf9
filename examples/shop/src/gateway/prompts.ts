import { createHash } from 'node:crypto'
import type { Request } from 'express'
import { cookie } from 'holdfast/express'
import type { Begun } from 'holdfast/step-up'
import type { GatewayParts } from './parts.ts'

/** A step-up that was begun and not answered yet. */
export interface Prompt extends Begun {
  readonly reasons: readonly string[]
  /** What the interrupted route asked for, as the address of the page says it. */
  readonly asked: string
  readonly acr: string | undefined
  /** Two holders are proven: the first wrong answer ends the session. */
  readonly forked: boolean
  /** How many wrong answers Holdfast takes from here until it asks no more. */
  readonly triesLeft: number
}

/**
 * Keeps the begun step-up of each secret and place, so that reloading the page does not count as
 * being asked again.
 */
export interface Prompts {
  of(request: Request): Prompt | undefined
  /** The prompt as it is kept: one that ran out before it has used up tries. */
  keep(request: Request, prompt: Prompt): Prompt
  /** Counts a wrong answer. The prompt as it is now. */
  failed(request: Request, prompt: Prompt): Prompt
  forget(request: Request): void
}

const MOST = 1_000

export function prompts({ guard, now }: Pick<GatewayParts, 'guard' | 'now'>): Prompts {
  const carrier = cookie()
  const kept = new Map<string, Prompt>()

  function keyOf(request: Request): string {
    const carried = carrier.read((name) => request.headers[name])
    const { ip, headers } = guard.requestFacts(request)
    const facts = [carried.ok ? carried.token : '', ip, headers['user-agent']]
    return createHash('sha256').update(JSON.stringify(facts)).digest('base64url')
  }

  return {
    of: (request) => {
      const prompt = kept.get(keyOf(request))
      return prompt !== undefined && prompt.expiresAt > now() ? prompt : undefined
    },
    keep: (request, prompt) => {
      const oldest = kept.keys().next()
      if (kept.size >= MOST && !oldest.done) kept.delete(oldest.value)
      const key = keyOf(request)
      const triesLeft = Math.min(prompt.triesLeft, kept.get(key)?.triesLeft ?? prompt.triesLeft)
      kept.set(key, { ...prompt, triesLeft })
      return { ...prompt, triesLeft }
    },
    failed: (request, prompt) => {
      const left = { ...prompt, triesLeft: prompt.triesLeft - 1 }
      kept.set(keyOf(request), left)
      return left
    },
    forget: (request) => void kept.delete(keyOf(request)),
  }
}
