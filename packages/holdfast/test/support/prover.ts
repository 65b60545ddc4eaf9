import type { RequestFacts } from '../../src/core/request.ts'
import type { Verification } from '../../src/core/sessions.ts'
import { memoryFactors } from '../../src/step-up/memory-factors.ts'
import type { PasskeyOptions } from '../../src/step-up/passkeys.ts'
import { type StepUp, stepUp, type Unproved } from '../../src/step-up/step-up.ts'
import type { Begun } from '../../src/step-up/tickets.ts'
import { totpCode } from '../../src/step-up/totp.ts'
import { type Authenticator, authenticator, ORIGIN, RP_ID } from './authenticator.ts'
import { type Harness, harness, inMemory } from './harness.ts'

export const ADA = { subject: 'ada', tenant: 'default' }
const ENROLLING = { ...ADA, id: 'the session in which factors are added' }

/** A real engine, and ada with a passkey, an authenticator app and recovery codes. */
export interface Prover extends Harness {
  readonly factors: StepUp
  readonly key: Authenticator
  readonly codes: readonly string[]
  code(): Promise<string>
  begin(token: string, request: RequestFacts): Promise<Begun>
  /** What the page would hand to the browser. */
  optionsFor(begun: Begun): Promise<PasskeyOptions>
  answer(
    begun: Begun,
    by: { readonly token: string; readonly request: RequestFacts },
    answer: { readonly factor: string; readonly value: string },
  ): Promise<Verification | Unproved>
  /** How it ended, in a word. */
  outcome(answer: Verification | Unproved): string
}

export async function prover(): Promise<Prover> {
  const h = await harness(inMemory)
  const { sessions, host } = h
  const factors = stepUp({
    store: memoryFactors(),
    name: 'Shop',
    relyingParty: { id: RP_ID, origins: [ORIGIN] },
    host,
  })
  const key = authenticator()
  const value = key.create(await factors.beginPasskey(ENROLLING, 'ada'))
  await factors.finishPasskey(ENROLLING, { value, name: 'key' })
  const { secret } = await factors.beginTotp(ENROLLING, 'ada')
  await factors.finishTotp(ENROLLING, await totpCode(secret, host.now()))
  const codes = await factors.newRecoveryCodes(ADA)
  // the code that enrolled the app is used
  host.advance(60_000)

  return {
    ...h,
    factors,
    key,
    codes,
    code: () => totpCode(secret, host.now()),
    async begin(token, request) {
      const begun = await sessions.beginStepUp({ token, request })
      if (!begun.ok) throw new Error(begun.code)
      return begun
    },
    async optionsFor(begun) {
      const { passkey } = await factors.offer(begun)
      if (passkey === undefined) throw new Error('no passkey is offered')
      return passkey
    },
    answer: (begun, { token, request }, answer) =>
      factors.prove(begun, answer, {
        request,
        failed: (challenge) =>
          sessions.report({ kind: 'step_up_failed', challenge, token, request }),
        complete: (proof) => sessions.completeStepUp({ ...proof, token, request }),
      }),
    outcome: (answer) => {
      if (answer.ok) return 'ok'
      return 'unproved' in answer ? answer.unproved : answer.code
    },
  }
}
