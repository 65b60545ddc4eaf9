import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  type ArgumentsHost,
  Catch,
  type ExceptionFilter,
  type ExecutionContext,
  HttpException,
} from '@nestjs/common'
import { SessionError } from '../core/errors.ts'
import { putOnReply, type Reply, sendReply } from './fastify-http.ts'
import type { WholeAnswer } from './guard/http-request.ts'
import { putOnResponse, sendAnswer } from './node-head.ts'

/** The request of a controller: that of Express, or that of Fastify. */
export type NestRequest = (IncomingMessage | { readonly raw: IncomingMessage }) & {
  readonly originalUrl: string
  readonly body?: unknown
}

/** The response of a controller: that of Express, or the reply of Fastify. */
export type NestResponse = ServerResponse | Reply

/** What a controller answers, and with what. */
export interface NestExchange {
  readonly request: NestRequest
  readonly response: NestResponse
}

/**
 * A refusal on its way through Nest. Its status and headers are on the response by then, so that
 * an application's own filter words no more than the body. `getResponse()` is the problem document.
 */
export class RequestRefused extends HttpException {
  // Private, because it may set a cookie, and exceptions end in logs.
  readonly #answer: WholeAnswer

  constructor(answer: WholeAnswer) {
    super(contentOf(answer), answer.status)
    this.#answer = answer
  }

  /** Answers as the guard would. */
  send(response: NestResponse): void {
    if ('raw' in response) sendReply(response, this.#answer)
    else sendAnswer(response, this.#answer)
  }
}

/** Answers refusals as the guard would. */
export class RefusalFilter implements ExceptionFilter<RequestRefused> {
  catch(refused: RequestRefused, host: ArgumentsHost): void {
    refused.send(host.switchToHttp().getResponse<NestResponse>())
  }
}
Catch(RequestRefused)(RefusalFilter)

/** The request and the response that a guard or a decorator is asked about. */
export function httpOf(context: ExecutionContext): NestExchange {
  if (context.getType() !== 'http') {
    throw new SessionError('internal_error', 'Holdfast guards HTTP routes of controllers alone.')
  }
  const http = context.switchToHttp()
  return { request: http.getRequest(), response: http.getResponse() }
}

/** Puts the status and the headers of a refusal on the response, and throws the rest. */
export function throwRefusal(response: NestResponse, answer: WholeAnswer): never {
  put(response, answer)
  throw new RequestRefused(answer)
}

/** Status and headers of an answer, for the response of either platform. */
export function put(response: NestResponse, answer: WholeAnswer): void {
  if ('raw' in response) putOnReply(response, answer)
  else putOnResponse(response, answer)
}

/** The problem document as an object; anything else as it is. */
function contentOf({ headers, body }: WholeAnswer): string | Record<string, unknown> {
  const isProblem = headers.some(
    ([name, value]) => name === 'content-type' && value.startsWith('application/problem+json'),
  )
  if (!isProblem) return body
  try {
    return JSON.parse(body)
  } catch {
    // An application words its refusals as it likes.
    return body
  }
}

/** The request as Node has it. */
export function rawRequest(request: NestRequest): IncomingMessage {
  return 'raw' in request ? request.raw : request
}

/** The response as Node has it. */
export function rawResponse(response: NestResponse): ServerResponse {
  return 'raw' in response ? response.raw : response
}
