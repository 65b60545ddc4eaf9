import { randomInt } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from './build.mjs'
import { fail, orFail, outputOf, root, run, runBin } from './run.mjs'
import { setup } from './setup.mjs'

const ESTATES = ['sentinel', 'cluster']

const HELP = `npm run soak [-- --minutes N --seed S]

Two processes of the service on a Redis that is run as in production, people who log in, come back,
refresh, step up, list, log out and are revoked, and faults: servers and services killed, frozen and
demoted, lines slow, silent, reset and cut, partitions moved. Beside it a model that knows what must
be true: nobody whose session was ended comes in, nobody whose session lives is turned away, nobody
comes in when the store cannot be asked, limits hold, and everything works again soon after each
fault. Fails where something was untrue. Everything runs on this machine, over loopback.

  --minutes N      how long, default 20: half of it on a Sentinel estate of a master, two replicas
                   and three Sentinels, half on a Cluster of three masters and three replicas
  --seed S         a run prints its seed, which gives the same faults in the same order, and people
                   who do the same; how requests and faults meet differs from run to run
  --on WORDS       only sentinel, or only cluster
  --people N       how many people, default 60: some 120 requests a second
  --busy           the machine has other work: what is late without a fault is no violation
  --json FILE      writes the report as JSON
`

const wishes = await orFail(wanted())
if (wishes.help) {
  process.stdout.write(HELP)
  process.exit(0)
}
await setup({ debian: ['redis-server'] })
await orFail(build())

const compiled = join(root, '.cache', 'soak')
rmSync(compiled, { recursive: true, force: true })
const result = await runBin('tsc', ['-p', join(root, 'soak')])
if (result.code !== 0) fail(`The soak test does not compile:\n\n${outputOf(result)}`)
const options = Object.entries(wishes)
  .filter(([name]) => name !== 'help')
  .flatMap(([name, value]) => (value === true ? [`--${name}`] : value ? [`--${name}`, value] : []))
const { code } = await run(process.execPath, [join(compiled, 'soak', 'main.js'), ...options], {
  inherit: true,
})
process.exit(code)

/** The command line, every word of it checked. */
async function wanted() {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      minutes: { type: 'string', default: '20' },
      seed: { type: 'string', default: String(randomInt(1_000_000)) },
      on: { type: 'string', default: ESTATES.join(',') },
      people: { type: 'string', default: '60' },
      busy: { type: 'boolean', default: false },
      json: { type: 'string' },
    },
  })
  if (!(Number(values.minutes) >= 0.5 && Number(values.minutes) <= 24 * 60))
    throw new Error(`--minutes is ${values.minutes}, and must be a number from 0.5 to 1440.`)
  if (!(Number.isInteger(Number(values.people)) && values.people >= 1 && values.people <= 1_000))
    throw new Error(`--people is ${values.people}, and must be a whole number from 1 to 1000.`)
  const unknown = values.on.split(',').filter((word) => !ESTATES.includes(word))
  if (unknown.length > 0)
    throw new Error(`--on is ${values.on}, and must be of ${ESTATES.join(',')}.`)
  return values.json === undefined ? values : { ...values, json: resolve(values.json) }
}
