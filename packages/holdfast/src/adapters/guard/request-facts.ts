import {
  type ClientFacts,
  cut,
  headerText,
  LOOKED_AT,
  RELEVANT_HEADERS,
  type RequestFacts,
} from '../../core/request.ts'
import { TRACE_HEADERS } from '../../core/trace.ts'
import { clientFactsReader, parseClientFacts } from './client-facts.ts'
import type { HttpFacts } from './http-request.ts'

const TOLD_HEADERS = [...RELEVANT_HEADERS, ...TRACE_HEADERS]

/** Reduces a request to what signals and events may look at. */
export type DescribeRequest = (facts: HttpFacts, client: ClientDescription) => RequestFacts

/** What a request does not say of its client itself. */
export interface ClientDescription {
  readonly ip: string | null
  /** JA4, as a trusted proxy handed it on. */
  readonly tls?: string | null
  /**
   * Client facts that came as a form field, of whatever type the form was parsed into. They are
   * newer than the cookie's.
   */
  readonly posted?: unknown
}

export function requestDescriber(): DescribeRequest {
  const clientFactsOf = clientFactsReader()
  return (facts, { ip, tls = null, posted }) => {
    const headers: Record<string, string> = {}
    for (const name of TOLD_HEADERS) {
      const value = facts.header(name)
      if (value !== undefined) headers[name] = headerText(value)
    }
    const client: ClientFacts | undefined =
      (typeof posted === 'string' ? parseClientFacts(posted) : undefined) ??
      (facts.person === undefined ? clientFactsOf(facts) : facts.person.client)
    const { method } = facts
    const url = cut(facts.url, LOOKED_AT.url)
    const described =
      client === undefined ? { ip, method, url, headers } : { ip, method, url, headers, client }
    return tls === null ? described : { ...described, tls }
  }
}
