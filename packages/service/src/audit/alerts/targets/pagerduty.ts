import type { Severity } from '../../finding.ts'
import type { Alert, Change } from '../alert.ts'
import type { Post } from '../http-post.ts'
import { inert } from '../inert-text.ts'
import type { Target } from '../target.ts'

const MOST_SUMMARY = 1_024

/**
 * Events API v2 of PagerDuty: an incident here is one there, by its id as `dedup_key`, from its
 * first alert to its end.
 */
export function pagerduty(post: Post, { routingKey }: { readonly routingKey: string }): Target {
  return {
    deliver(alert, { signal }) {
      const event = {
        routing_key: routingKey,
        event_action: ACTIONS[alert.change] ?? 'trigger',
        dedup_key: alert.incident ?? alert.id,
        payload: {
          summary: inert(alert.title, MOST_SUMMARY),
          source: 'holdfast',
          severity: SEVERITIES[alert.severity],
          timestamp: new Date(alert.at).toISOString(),
          class: alert.rules.at(-1) ?? alert.change,
          custom_details: detailsOf(alert),
        },
        links: alert.link === null ? [] : [{ href: alert.link, text: 'Incident' }],
        client: 'Holdfast',
      }
      return post({ body: JSON.stringify(event), signal })
    },
  }
}

const ACTIONS: Readonly<Partial<Record<Change, 'acknowledge' | 'resolve'>>> = {
  acknowledged: 'acknowledge',
  resolved: 'resolve',
  false_alarm: 'resolve',
}

const SEVERITIES: Readonly<Record<Severity, string>> = {
  low: 'info',
  medium: 'warning',
  high: 'error',
  critical: 'critical',
}

function detailsOf({ id, text, name, tenant, subject, session, network, ...alert }: Alert): object {
  const { timeline, command } = alert
  return { alert: id, text, name, tenant, subject, session, network, timeline, command }
}
