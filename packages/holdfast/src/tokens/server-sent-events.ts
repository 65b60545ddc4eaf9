/** One message of a stream. */
export interface ServerSentEvent {
  readonly event: string
  readonly data: string
}

/** Longest line or message; ours have some hundred characters. */
const MAX_LENGTH = 65_536

/**
 * The messages of a `text/event-stream` (HTML standard, section 9.2), with no more than their names and data. Throws for
 * a line or message without an end.
 */
export async function* serverSentEvents(
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder()
  const reader = body.getReader()
  let rest = ''
  let event = ''
  let data: string[] = []
  let size = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      const text = rest + decoder.decode(value, { stream: true })
      // a carriage return at the end may be the first half of a line's end
      const lines = text.split(/\r\n|\n|\r(?!$)/)
      rest = lines.pop() ?? ''
      for (const line of lines) {
        if (line === '') {
          if (data.length > 0) yield { event, data: data.join('\n') }
          event = ''
          data = []
          size = 0
          continue
        }
        const [, name, content = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
        if (name === 'event') event = content
        if (name === 'data') data.push(content)
        size += line.length
      }
      if (rest.length + size > MAX_LENGTH) throw new Error('A message of the stream has no end.')
    }
  } finally {
    await reader.cancel()
  }
}
