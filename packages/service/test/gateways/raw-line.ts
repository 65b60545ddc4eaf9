import { connect } from 'node:net'

/**
 * Sends bytes that no client library would. Answers what comes back: the head of the answer, or
 * with `after` all until the other side has echoed that, which is sent when the answer begins.
 */
export function rawLines(
  port: number,
  lines: readonly string[],
  { after = '' }: { readonly after?: string } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(`${lines.join('\r\n')}\r\n\r\n`)
    })
    socket.on('data', (chunk) => {
      const first = text === ''
      text += chunk
      if (first && after !== '') socket.write(after)
      if (after === '' ? text.includes('\r\n\r\n') : text.endsWith(after)) socket.destroy()
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(text))
  })
}
