import { fetchUntil } from 'holdfast/cli'
import type { Config } from '../config/schema.ts'
import { type Finding, fault, warning } from './finding.ts'

const TIMEOUT_MS = 5_000
const MAX_TEXT = 4_096

/** Asks the management listener of the service whether it runs, and whether it can answer. */
export async function examineRunning({
  managementListen,
}: Pick<Config, 'managementListen'>): Promise<readonly Finding[]> {
  if ('path' in managementListen) return []
  const { host, port } = managementListen
  const near = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  const url = `http://${near.includes(':') ? `[${near}]` : near}:${port}`
  const answer = await ask(`${url}/readyz`)
  if (answer === undefined) {
    const mend = 'Start it ("holdfast serve"), or run this where its management listener is.'
    return [fault('running', `no service answers at ${url}`, mend)]
  }
  if (answer.status !== 200) {
    const mend = 'The log of the service says why ("not ready"); the findings about the store help.'
    return [fault('ready', `the service at ${url} says that it is not ready`, mend)]
  }
  return answer.text
    .split('\n')
    .filter((line) => line.startsWith('warning: '))
    .map((line) =>
      warning('ready', line.slice('warning: '.length), 'Do what the warning of the service says.'),
    )
}

async function ask(url: string): Promise<{ status: number; text: string } | undefined> {
  try {
    const answer = await fetchUntil(fetch, url, {
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    return { status: answer.status, text: (await answer.text()).slice(0, MAX_TEXT) }
  } catch {
    return undefined
  }
}
