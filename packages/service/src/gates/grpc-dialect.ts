import type { HeaderLookup, HeaderPair } from 'holdfast/gateway'
import type { GateAnswer } from './decide.ts'
import type { CheckRequest, CheckResponse, HeaderValueOption } from './envoy-proto.ts'
import { cookiesForApp } from './ext-authz.ts'
import { type Read, readWords } from './said.ts'

/** Envoy over gRPC: the attributes are Envoy's own words, the headers among them the client's. */
export function readCheck({ attributes }: CheckRequest, header: HeaderLookup): Read {
  const { method, path, host, scheme } = attributes?.request?.http ?? {}
  const forwarded = header('x-forwarded-proto')
  return readWords(
    {
      method,
      url: path,
      host,
      // Envoy writes it anew; the scheme of an HTTP/2 request can be the client's word.
      proto: typeof forwarded === 'string' && forwarded !== '' ? forwarded : scheme,
      forwardedFor: present(header('x-forwarded-for')),
      peer: present(attributes?.source?.address?.socket_address?.address) ?? '',
    },
    header,
  )
}

/** Lines of one name come joined by commas. Pseudo-headers are not among those that anybody asks for. */
export function headersOf({ attributes }: CheckRequest): HeaderLookup {
  const headers = new Map(Object.entries(attributes?.request?.http?.headers ?? {}))
  return (name) => headers.get(name)
}

const OK = 0
const PERMISSION_DENIED = 7
const UNAUTHENTICATED = 16

/** A refusal is always a whole answer, faults included: what Envoy makes of errors depends on its failure mode. */
export function checkResponse(
  judged: GateAnswer,
  header: HeaderLookup,
  cookieName: string,
): CheckResponse {
  if (!judged.ok) {
    const { status, headers, body } = judged.refusal
    return {
      status: { code: status === 401 ? UNAUTHENTICATED : PERMISSION_DENIED },
      denied_response: { status: { code: status }, headers: headers.map(inAnswer), body },
    }
  }
  const setCookie = judged.headers.filter(([name]) => name === 'set-cookie')
  const kept = cookiesForApp(header, cookieName)
  const set: HeaderPair[] = judged.headers.filter(
    ([name, value]) => name === 'authorization' && value !== '',
  )
  // Envoy removes last: what is set must not be among what goes.
  const remove = set.length === 0 ? ['authorization'] : []
  if (kept === '') remove.push('cookie')
  else if (kept !== undefined) set.push(['cookie', kept])
  // A page that goes out with a secret is nobody else's.
  const answer: HeaderPair[] =
    setCookie.length === 0 ? [] : [...setCookie, ['cache-control', 'private, no-store']]
  return {
    status: { code: OK },
    ok_response: {
      headers: set.map(overwriting),
      headers_to_remove: remove,
      response_headers_to_add: answer.map(inAnswer),
    },
  }
}

const APPEND_IF_EXISTS_OR_ADD = 0
const OVERWRITE_IF_EXISTS_OR_ADD = 2

function overwriting([key, value]: HeaderPair): HeaderValueOption {
  return {
    header: { key, value },
    append: { value: false },
    append_action: OVERWRITE_IF_EXISTS_OR_ADD,
  }
}

/** A cookie stands beside the application's own, a line for each: with the older `append` some Envoys join them by a comma. */
function inAnswer([key, value]: HeaderPair): HeaderValueOption {
  const cookie = key === 'set-cookie'
  return {
    header: { key, value },
    append_action: cookie ? APPEND_IF_EXISTS_OR_ADD : OVERWRITE_IF_EXISTS_OR_ADD,
  }
}

function present(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
