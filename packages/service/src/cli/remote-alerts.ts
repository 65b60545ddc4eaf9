import { checker } from 'holdfast/wire'
import { alertPage, alertView, replayed, sentAlert } from '../api/alert-bodies.ts'
import { asDescribed } from '../api/call.ts'
import type { AlertPage, AlertView, Replayed, SentAlert } from '../audit/alerts/alerts.ts'
import type { Remote } from './remote.ts'
import { askService, type Query } from './remote-ask.ts'

const PAGE = checker(alertPage, 'answer')
const VIEW = checker(alertView, 'answer')
const SENT = checker(sentAlert, 'answer')
const REPLAYED = checker(replayed, 'answer')

/** The calls about alerts of a running service. */
export const remoteAlerts = {
  async list(remote: Remote, query: Query): Promise<AlertPage> {
    const response = await askService(remote, '/v1/alerts', { query })
    return asDescribed(PAGE, 'answer', await response.json())
  },

  async show(remote: Remote, id: string): Promise<AlertView> {
    const response = await askService(remote, pathOf(id))
    return asDescribed(VIEW, 'answer', await response.json())
  },

  async test(remote: Remote, target: string | undefined): Promise<SentAlert> {
    const response = await askService(remote, '/v1/alerts/test', { body: { target } })
    return asDescribed(SENT, 'answer', await response.json())
  },

  async replay(remote: Remote, id: string, target: string | undefined): Promise<Replayed> {
    const response = await askService(remote, `${pathOf(id)}/replay`, { body: { target } })
    return asDescribed(REPLAYED, 'answer', await response.json())
  },
}

function pathOf(id: string): string {
  return `/v1/alerts/${encodeURIComponent(id)}`
}
