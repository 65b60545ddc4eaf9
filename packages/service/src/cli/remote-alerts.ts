import { z } from 'zod'
import type { AlertPage, AlertView, Replayed, SentAlert } from '../audit/alerts/alerts.ts'
import type { Remote } from './remote.ts'
import { askService, type Query, type Question } from './remote-ask.ts'

/** The calls about alerts of a running service. */
export const remoteAlerts = {
  list: (remote: Remote, query: Query): Promise<AlertPage> =>
    ask(remote, { path: '/v1/alerts', query }, page),

  show: (remote: Remote, id: string): Promise<AlertView> =>
    ask(remote, { path: `/v1/alerts/${encodeURIComponent(id)}` }, view),

  test: (remote: Remote, target: string | undefined): Promise<SentAlert> =>
    ask(remote, { path: '/v1/alerts/test', body: { target } }, sent),

  replay: (remote: Remote, id: string, target: string | undefined): Promise<Replayed> =>
    ask(
      remote,
      { path: `/v1/alerts/${encodeURIComponent(id)}/replay`, body: { target } },
      replayed,
    ),
}

async function ask<T>(
  remote: Remote,
  { path, ...question }: Question & { readonly path: string },
  form: z.ZodType<T>,
): Promise<T> {
  const response = await askService(remote, path, question)
  return form.parse(await response.json())
}

const view = z.custom<AlertView>(
  (value) =>
    z
      .object({
        id: z.string(),
        at: z.number(),
        severity: z.string(),
        title: z.string(),
        text: z.string(),
        timeline: z.array(z.object({ at: z.number(), title: z.string(), count: z.number() })),
        deliveries: z.array(z.object({ target: z.string(), state: z.string() })),
      })
      .safeParse(value).success,
)

const page: z.ZodType<AlertPage> = z
  .object({ items: z.array(view), next: z.string().optional() })
  .transform(({ items, next }) => (next === undefined ? { items } : { items, next }))

const sent = z.object({ id: z.string(), targets: z.array(z.string()) })

const replayed = z.object({ deliveries: z.number() })
