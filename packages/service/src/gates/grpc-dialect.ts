import type { HeaderLookup, HeaderPair } from 'holdfast/gateway'
import type { GateAnswer } from './decide.ts'
import type { CheckRequest, CheckResponse, HeaderValueOption } from './envoy-proto.ts'
import { cookiesForApp } from './ext-authz.ts'
import { type ForwardedReading, readForwarded } from './forwarded.ts'

/** Envoy over gRPC: Envoy sets the attributes; the headers among them come from the client. */
export function readCheck({ attributes }: CheckRequest, header: HeaderLookup): ForwardedReading {
  const { method, path, host, scheme } = attributes?.request?.http ?? {}
  const forwarded = header('x-forwarded-proto')
  return readForwarded(
    {
      method,
      url: path,
      host,
      // Envoy overwrites this header; the client may have set the scheme of an HTTP/2 request.
      proto: typeof forwarded === 'string' && forwarded !== '' ? forwarded : scheme,
      forwardedFor: present(header('x-forwarded-for')),
      peer: present(attributes?.source?.address?.socket_address?.address) ?? '',
    },
    header,
  )
}

/** Envoy joins the lines of one name by commas. Nobody looks up pseudo-headers. */
export function headersOf({ attributes }: CheckRequest): HeaderLookup {
  const headers = new Map(Object.entries(attributes?.request?.http?.headers ?? {}))
  return (name) => headers.get(name)
}

const OK = 0
const PERMISSION_DENIED = 7
const UNAUTHENTICATED = 16

/** Faults are refusals, too: what Envoy makes of a gRPC error depends on its failure mode. */
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
  // Envoy removes headers last, so none that is set may be among them.
  const remove = set.length === 0 ? ['authorization'] : []
  if (kept === '') remove.push('cookie')
  else if (kept !== undefined) set.push(['cookie', kept])
  // No cache may keep a page that carries a secret.
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

/** Each cookie is a line of its own. With the older `append` some Envoys join them by a comma. */
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
