import type { fromJSON } from '@grpc/proto-loader'

type Definition = Parameters<typeof fromJSON>[0]

/**
 * What `envoy.service.auth.v3.Authorization` sends and expects, as far as it is used here. Field
 * numbers and types are Envoy's (attribute_context.proto, external_auth.proto, base.proto). Other
 * fields are skipped, as Protocol Buffers demand. Nested messages stand side by side, because only
 * the name of the service is on the wire, not those of messages.
 */
export const ENVOY_AUTH: Definition = {
  nested: {
    envoy: {
      nested: { service: { nested: { auth: { nested: { v3: { nested: messages() } } } } } },
    },
  },
}

/** A request, as Envoy tells of it. Absent messages are null, absent fields empty. */
export interface CheckRequest {
  readonly attributes: {
    readonly source: { readonly address: Address | null } | null
    readonly request: {
      readonly http: {
        readonly method: string
        readonly headers: Readonly<Record<string, string>>
        readonly path: string
        readonly host: string
        readonly scheme: string
      } | null
    } | null
    /** The operator's, of the route. */
    readonly context_extensions: Readonly<Record<string, string>>
  } | null
}

interface Address {
  readonly socket_address: { readonly address: string } | null
}

/** One header of an answer, and what it does to one of its name. */
export interface HeaderValueOption {
  readonly header: { readonly key: string; readonly value: string }
  /** For Envoys that do not know `append_action` yet; where it is set, it wins. */
  readonly append?: { readonly value: boolean }
  readonly append_action: number
}

/** `status.code` 0 lets the request pass. */
export interface CheckResponse {
  readonly status: { readonly code: number }
  readonly denied_response?: {
    readonly status: { readonly code: number }
    readonly headers: readonly HeaderValueOption[]
    readonly body: string
  }
  readonly ok_response?: {
    readonly headers: readonly HeaderValueOption[]
    readonly headers_to_remove: readonly string[]
    readonly response_headers_to_add: readonly HeaderValueOption[]
  }
}

function messages(): NonNullable<Definition['nested']> {
  return {
    Authorization: {
      methods: {
        Check: { requestType: 'CheckRequest', responseType: 'CheckResponse', comment: '' },
      },
    },
    CheckRequest: { fields: { attributes: field('AttributeContext', 1) } },
    AttributeContext: {
      fields: {
        source: field('Peer', 1),
        request: field('Request', 4),
        context_extensions: map(10),
      },
    },
    Peer: { fields: { address: field('Address', 1) } },
    Address: { fields: { socket_address: field('SocketAddress', 1) } },
    SocketAddress: { fields: { address: field('string', 2) } },
    Request: { fields: { http: field('HttpRequest', 2) } },
    HttpRequest: {
      fields: {
        id: field('string', 1),
        method: field('string', 2),
        headers: map(3),
        path: field('string', 4),
        host: field('string', 5),
        scheme: field('string', 6),
      },
    },
    CheckResponse: {
      oneofs: { http_response: { oneof: ['denied_response', 'ok_response'] } },
      fields: {
        status: field('Status', 1),
        denied_response: field('DeniedHttpResponse', 2),
        ok_response: field('OkHttpResponse', 3),
      },
    },
    Status: { fields: { code: field('int32', 1) } },
    HttpStatus: { fields: { code: field('int32', 1) } },
    DeniedHttpResponse: {
      fields: {
        status: field('HttpStatus', 1),
        headers: repeated('HeaderValueOption', 2),
        body: field('string', 3),
      },
    },
    OkHttpResponse: {
      fields: {
        headers: repeated('HeaderValueOption', 2),
        headers_to_remove: repeated('string', 5),
        response_headers_to_add: repeated('HeaderValueOption', 6),
      },
    },
    HeaderValueOption: {
      fields: {
        header: field('HeaderValue', 1),
        append: field('BoolValue', 2),
        append_action: field('int32', 3),
      },
    },
    HeaderValue: { fields: { key: field('string', 1), value: field('string', 2) } },
    BoolValue: { fields: { value: field('bool', 1) } },
  }
}

interface Field {
  readonly type: string
  readonly id: number
}

function field(type: string, id: number): Field {
  return { type, id }
}

function repeated(type: string, id: number): Field & { readonly rule: string } {
  return { rule: 'repeated', type, id }
}

function map(id: number): Field & { readonly keyType: string } {
  return { keyType: 'string', type: 'string', id }
}
