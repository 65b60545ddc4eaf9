import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { EVENT_TYPES } from 'holdfast/maintenance'
import { Counter, Histogram } from 'prom-client'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { metricsReference, serviceMetrics } from '../../src/main/metrics.ts'
import { DEPLOY } from './manifests.ts'

const ALERTS = join(DEPLOY, 'monitoring/alerts.yaml')
const DASHBOARD = join(DEPLOY, 'monitoring/grafana-dashboard.json')
const hasPromtool = spawnSync('promtool', ['--version']).error === undefined

interface Alert {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly description: string }
}

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number }
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
}

const alerts: readonly Alert[] = parse(readFileSync(ALERTS, 'utf8')).groups[0].rules
const panels: readonly Panel[] = JSON.parse(readFileSync(DASHBOARD, 'utf8')).panels

const EXPRESSIONS = [
  ...alerts.map(({ alert, expr }) => [`the alert ${alert}`, expr] as const),
  ...panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => [`the panel "${title}"`, expr] as const),
  ),
]

/** Every name of a series that the service has, with its labels. */
const SERIES = seriesOf()

function seriesOf(): ReadonlyMap<string, readonly string[]> {
  const metrics = serviceMetrics()
  metrics.showSigningKeys({ keys: [] } as never, () => 0)
  metrics.showAudit(async () => undefined)
  const series = new Map<string, readonly string[]>([['up', []]])
  for (const metric of metrics.registry.getMetricsAsArray()) {
    const labels = 'labelNames' in metric ? (metric.labelNames as readonly string[]) : []
    if (metric instanceof Histogram) {
      for (const part of ['_count', '_sum']) series.set(`${metric.name}${part}`, labels)
      series.set(`${metric.name}_bucket`, [...labels, 'le'])
    } else {
      series.set(metric.name, labels)
    }
  }
  return series
}

/** What Prometheus puts to each series. */
const OF_THE_SCRAPE = ['job', 'instance']

describe('what watches the metrics', () => {
  test.each(EXPRESSIONS)('%s names series and labels that exist', (_, expr) => {
    const selectors = [...expr.matchAll(/\b(holdfast_\w+|up)(?:\{([^}]*)\})?/g)]
    expect(selectors.length).toBeGreaterThan(0)
    const known = new Set(OF_THE_SCRAPE)
    for (const [, name = '', matchers = ''] of selectors) {
      const labels = SERIES.get(name)
      expect([name, labels !== undefined]).toEqual([name, true])
      for (const label of labels ?? []) known.add(label)
      for (const [, label] of matchers.matchAll(/(\w+)\s*(?:=~|!=|!~|=)\s*"/g)) {
        expect([...OF_THE_SCRAPE, ...(labels ?? [])]).toContain(label)
      }
    }
    for (const [, labels = ''] of expr.matchAll(/\bby \(([^)]*)\)/g)) {
      for (const label of labels.split(/,\s*/)) expect([...known]).toContain(label)
    }
  })

  test.each(EXPRESSIONS)('%s reads counters as rates, and nothing else as one', (_, expr) => {
    const counters = serviceMetrics()
      .registry.getMetricsAsArray()
      .flatMap((metric) => (metric instanceof Counter ? [metric.name] : []))
    for (const [, before = '', name = ''] of expr.matchAll(/(\w+)\((holdfast_\w+)/g)) {
      const isRate = before === 'rate' || before === 'increase'
      const isCounter = counters.includes(name) || /_(count|sum|bucket)$/.test(name)
      expect([name, isRate]).toEqual([name, isCounter])
    }
  })

  test.each(EXPRESSIONS)('%s names types of events that there are', (_, expr) => {
    const types = [...expr.matchAll(/\btype=~?"([^"]*)"/g)].flatMap(([, all = '']) =>
      all.split('|'),
    )

    expect(types.filter((type) => !EVENT_TYPES.some((one) => one === type))).toEqual([])
  })

  test('every metric of the service is on the dashboard', () => {
    const own = [...metricsReference().matchAll(/`(holdfast_\w+)/g)].map(([, name = '']) => name)
    const shown = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)).join('\n')

    expect(own.length).toBeGreaterThan(15)
    expect(own.filter((name) => !shown.includes(name))).toEqual([])
  })
})

describe('the alerts', () => {
  test('have names of their own, a severity, and say what to do', () => {
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length)
    for (const { labels, annotations } of alerts) {
      expect(['warning', 'critical']).toContain(labels.severity)
      expect(annotations.summary.length * annotations.description.length).toBeGreaterThan(0)
    }
  })

  test('are rules that Prometheus takes', ({ skip }) => {
    if (!hasPromtool) skip('promtool (Debian package prometheus) is not here')
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', ALERTS], {
      encoding: 'utf8',
    })

    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toContain(`${alerts.length} rules found`)
  })
})

describe('the dashboard', () => {
  test('has panels with ids and places of their own', () => {
    const places = panels.map(({ gridPos: { x, y } }) => `${x} ${y}`)

    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    expect(new Set(places).size).toBe(panels.length)
    for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
  })

  test('shows each series by the labels that it is summed by', () => {
    for (const { targets = [] } of panels) {
      for (const { expr, legendFormat } of targets) {
        const by = /\bby \(([^)]*)\)/.exec(expr)?.[1]?.split(/,\s*/) ?? []
        const named = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label)
        expect(named).toEqual(by.filter((label) => label !== 'le'))
      }
    }
  })
})
