import { CLIENT_HEADERS } from 'holdfast/network'
import { type Arrival, arrival } from 'holdfast/wire'
import type { Call } from '../call.ts'
import type { ApiParts } from '../parts.ts'

/** The headers by which proxies tell of a client, of whatever make they are. */
const TOLD = [...CLIENT_HEADERS, 'x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-port']
const MAX_VALUE = 256

/** How a request arrived, for `holdfast doctor --request`: whose word about the client counted. */
export function arrivalCalls({ arrivalOf }: Pick<ApiParts, 'arrivalOf'>): readonly Call[] {
  return [
    {
      id: 'showArrival',
      method: 'get',
      path: '/v1/request',
      roles: ['app', 'gate', 'admin', 'audit'],
      summary:
        'How this request arrived: its peer, the headers that count, the address behind them',
      answers: { 200: { about: 'What was understood', body: arrival } },
      async answer({ request, incoming }) {
        const peer = incoming.socket.remoteAddress
        const header = (name: string): string | undefined => request.headers.get(name) ?? undefined
        const { ip, trusted, believed } = arrivalOf(peer, header)
        const names = new Set([...TOLD, ...believed])
        const body: Arrival = {
          peer: peer ?? null,
          peerTrusted: trusted,
          address: ip,
          headers: [...names].flatMap((name) => {
            const value = header(name)
            if (value === undefined) return []
            const counts = trusted && believed.includes(name)
            return [{ name, value: value.slice(0, MAX_VALUE), believed: counts }]
          }),
        }
        return { status: 200, body }
      },
    },
  ]
}
