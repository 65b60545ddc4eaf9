import { REQUESTS } from './attackers.ts'
import { markdown } from './page-tables.ts'
import { STARRED, STARRED_TEXT } from './starred/levels.ts'
import type { Schedule } from './starred/schedule.ts'
import type { StarredSummary } from './starred/summary.ts'
import type { Measured, Results } from './study.ts'
import { percent } from './tables.ts'

/** What thieves who know the code get, and how. */
export function thievesText({ thieves }: Results, ours: Measured | undefined): string {
  const { nominal, stress } = { nominal: ours?.nominal.starred, stress: ours?.stress.starred }
  return `They know the code, the weights, the thresholds and the whole record of the session, and
choose before each request what to show, so that it is served and scores least. The search is
greedy over the parts of a disguise, with restarts, and asks the same \`explain\` that operators
have. When they come, how often, beside the owner or not, and whether they take the secrets that
they are sent, is searched in the same way on the people of the tuning seeds. They do not know the
future.

${STARRED.map((level) => `- **${level}**: ${STARRED_TEXT[level]}`).join('\n')}

**Reach** wants one sensitive action. **Stay** wants an hour's use of ${REQUESTS} requests, and
comes back for two days. Found: of the attacks in which the owner went on, too.

${starredTable(nominal ?? [], stress ?? [])}

A sensitive route rotates the secret and asks for a network that the subject has confirmed. That
stops A2* but in what the victim has confirmed abroad, such as her VPN or the networks of her last
trip; it cannot stop a copy of the browser behind the victim's own provider (A3*) or address
(A4*) that comes once, before the owner does, and never again: only one of the two goes on, and
nothing forks. What stops these is a factor for the action itself:

${markdown(
  ['nothing sensitive served', 'as shipped', 'a factor of 5 minutes', 'a factor for each action'],
  STARRED.map((level) => [
    level,
    cleanOf(nominal, level),
    cleanOf(thieves.minutes, level),
    `${cleanOf(thieves.each.nominal, level)}, under stress ${cleanOf(thieves.each.stress, level)}`,
  ]),
)}

What they show first, of ${nominal?.[0]?.clean.of ?? 0} attacks each, and what it scores:

${recipes(nominal ?? [])}

When they come:

${thieves.tactics
  .map(({ level, aim, schedule }) => `- **${level}, ${aim}**: ${scheduleText(schedule)}`)
  .join('\n')}`
}

/** Two holders of one line, and one alone. */
export function holdersText({ thieves: { rides, days } }: Results): string {
  const total = days.reduce((sum, each) => sum + each.days, 0)
  return `How long a second holder rides along, from the copy to the last request that is served,
at the owner's address and with the owner's browser: the longest of ${rides[0]?.tried ?? 0} tries
with strategies that people thought of, drawn ones, and changes of the best.

${markdown(
  ['line', 'owner asks every', 'longest ride', 'strategy', 'with the tag key', 'strategy'],
  rides.map(({ kind, owner, longest, strategy, forging }) => [
    kind,
    `${owner / 1_000} s`,
    `${Math.round(longest / 1_000)} s`,
    strategy,
    `${Math.round(forging.longest / 1_000)} s`,
    forging.strategy,
  ]),
)}

One browser with one cookie jar, ${total} days of eight hours with a page every 4 to 90 s that has
overlapping calls:

${markdown(
  ['page', 'days', 'false forks', 'requests'],
  days.map(({ page, days, forks, requests }) => [
    page,
    String(days),
    String(forks),
    String(requests),
  ]),
)}`
}

function starredTable(
  nominal: readonly StarredSummary[],
  stress: readonly StarredSummary[],
): string {
  return markdown(
    [
      '',
      'nothing sensitive served',
      'found',
      'at request 1',
      'requests served, median / 90th',
      'minutes until found, median',
      'score of the first request, dB',
      'under stress: nothing sensitive / found',
    ],
    nominal.map((one) => {
      const worse = stress.find(({ level, aim }) => level === one.level && aim === one.aim)
      return [
        `${one.level}, ${one.aim}`,
        `${percent(one.clean.share)} %`,
        `${percent(one.found.share)} %`,
        `${percent(one.atFirst.share)} %`,
        one.served.join(' / '),
        one.exposedMinutes === null ? '-' : String(Math.round(one.exposedMinutes)),
        String(one.score),
        worse === undefined
          ? ''
          : `${percent(worse.clean.share)} % / ${percent(worse.found.share)} %`,
      ]
    }),
  )
}

function cleanOf(summaries: readonly StarredSummary[] | undefined, level: string): string {
  const found = summaries?.find((each) => each.level === level && each.aim === 'reach')
  return found === undefined ? '-' : `${percent(found.clean.share)} %`
}

function recipes(summaries: readonly StarredSummary[]): string {
  return markdown(
    ['', 'recipe', 'share', 'dB'],
    summaries.flatMap(({ level, aim, recipes: found }) =>
      found.map(({ text, share, score }) => [
        `${level}, ${aim}`,
        text,
        `${percent(share)} %`,
        String(score),
      ]),
    ),
  )
}

function scheduleText({ first, visits, every, back, beside, secret }: Schedule): string {
  return [
    `first ${time(first)} after the theft`,
    visits === 0 ? '' : `${visits} quiet visits ten hours apart before that`,
    `then every ${time(every)}, later every ${time(back)}`,
    beside,
    secret,
  ]
    .filter((part) => part !== '')
    .join('; ')
}

function time(ms: number): string {
  if (ms < 60_000) return `${ms / 1_000} s`
  return ms < 3_600_000 ? `${ms / 60_000} min` : `${ms / 3_600_000} h`
}
