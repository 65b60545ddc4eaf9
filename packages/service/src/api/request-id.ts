import { systemHost } from 'holdfast'
import { isRequestId } from 'holdfast/wire'

/** As base64url: 132 random bits. */
const ID_LENGTH = 22

/** Ids are cut from one text of so many: to encode each costs more than its random bytes. */
const IDS_AT_ONCE = 64

const newId = idSource()

/** The caller's request id when it is well-formed, else a new one of 132 random bits. */
export function requestIdOf(given: string | null | undefined): string {
  return typeof given === 'string' && isRequestId(given) ? given : newId()
}

function idSource(): () => string {
  const { random } = systemHost()
  let text = ''
  let used = 0
  return () => {
    if (used === text.length) {
      text = Buffer.from(random((IDS_AT_ONCE * ID_LENGTH * 3) / 4)).toString('base64url')
      used = 0
    }
    used += ID_LENGTH
    return text.slice(used - ID_LENGTH, used)
  }
}
