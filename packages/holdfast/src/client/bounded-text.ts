/** The body as text; undefined, and the rest unread, for one of more than `most` bytes. */
export async function boundedText(response: Response, most: number): Promise<string | undefined> {
  let text = ''
  const whole = await eachPiece(response, most, (piece) => {
    text += piece
  })
  return whole ? text : undefined
}

/** Hands on the body as it comes. False, and the rest unread, for more than `most` bytes. */
export async function eachPiece(
  response: Response,
  most: number,
  take: (piece: string) => void,
): Promise<boolean> {
  if (response.body === null) return true
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  let size = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    size += value.byteLength
    if (size > most) {
      await reader.cancel()
      return false
    }
    take(decoder.decode(value, { stream: true }))
  }
  take(decoder.decode())
  return true
}
