import type { SubjectKey } from '../core/ids.ts'
import { LIMITS } from '../core/request.ts'
import type { SubjectRef } from '../core/sessions.ts'
import type { Parts } from './context.ts'
import { checkWord } from './input.ts'

export const DEFAULT_TENANT = 'default'

export interface CheckedSubject {
  readonly subject: string
  readonly tenant: string
  readonly key: SubjectKey
}

/** Sizes and types of a subject's name, and the key under which a store knows it. */
export function checkSubject(parts: Pick<Parts, 'codec'>, ref: SubjectRef): CheckedSubject {
  const subject = checkWord('subject', ref.subject, LIMITS.subject)
  const tenant = checkWord('tenant', ref.tenant ?? DEFAULT_TENANT, LIMITS.tenant)
  return { subject, tenant, key: parts.codec.subjectKey(tenant, subject) }
}
