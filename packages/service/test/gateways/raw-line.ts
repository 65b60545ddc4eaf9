import { connect } from 'node:net'

/** Sends bytes that no client library would, and answers what comes back until the other side ends or falls silent. */
export function rawLines(
  port: number,
  lines: readonly string[],
  { after = '', silenceMs = 1_500 }: { readonly after?: string; readonly silenceMs?: number } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(`${lines.join('\r\n')}\r\n\r\n`)
    })
    socket.setTimeout(silenceMs, () => socket.destroy())
    socket.on('data', (chunk) => {
      const first = text === ''
      text += chunk
      if (first && after !== '') socket.write(after)
      if (after !== '' && text.endsWith(after)) socket.destroy()
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(text))
  })
}
