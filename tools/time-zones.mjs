import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fail, isMain, root } from './run.mjs'

const TABLE = join(root, 'packages', 'holdfast', 'src', 'core', 'time-zone-table.ts')
const COLUMNS = 100

const HELP = `node tools/time-zones.mjs [FOLDER]

Writes packages/holdfast/src/core/time-zone-table.ts from the tz data of Debian's package tzdata,
by default as it is installed in /usr/share/zoneinfo.
`

/**
 * Old names whose new name Debian's data does not tell: it links them to a zone that has kept the
 * same time since. The new names are those of the comments in the tz project's file "backward".
 */
const RENAMED = {
  'Africa/Asmera': 'Africa/Asmara',
  'Africa/Timbuktu': 'Africa/Bamako',
  'America/Coral_Harbour': 'America/Atikokan',
  'America/Virgin': 'America/St_Thomas',
  'Antarctica/South_Pole': 'Antarctica/McMurdo',
  'Atlantic/Jan_Mayen': 'Arctic/Longyearbyen',
  Iceland: 'Atlantic/Reykjavik',
  'Pacific/Ponape': 'Pacific/Pohnpei',
  'Pacific/Truk': 'Pacific/Chuuk',
  'Pacific/Yap': 'Pacific/Chuuk',
}

if (isMain(import.meta.url)) {
  const [folder = '/usr/share/zoneinfo', ...more] = process.argv.slice(2)
  if (more.length > 0 || folder.startsWith('-')) fail(HELP)
  if (!existsSync(join(folder, 'tzdata.zi'))) {
    fail(`${folder} has no tzdata.zi: install Debian's package tzdata, or name another folder.\n`)
  }
  const { version, zones } = timeZones(folder)
  writeFileSync(TABLE, sourceOf(version, zones))
  process.stdout.write(`${zones.length} zones of tz ${version} in ${TABLE}\n`)
}

/**
 * Each zone with all of its names, the current one first, and with the countries that keep its
 * time. Two links of one target are two zones where both stand in zone.tab.
 */
function timeZones(folder) {
  const read = (name) => readFileSync(join(folder, name), 'utf8').split('\n')
  const compiled = read('tzdata.zi')
  const version = /^# version (\S+)$/.exec(compiled[0])?.[1]
  if (version === undefined) fail(`${folder}/tzdata.zi does not say its version.\n`)

  const countries = new Map()
  const current = new Set()
  for (const file of ['zone.tab', 'zone1970.tab']) {
    for (const line of read(file).filter((text) => text !== '' && !text.startsWith('#'))) {
      const [codes, , zone] = line.split('\t')
      if (file === 'zone.tab') current.add(zone)
      countries.set(zone, [...new Set([...(countries.get(zone) ?? []), ...codes.split(',')])])
    }
  }

  const links = new Map()
  for (const line of compiled) {
    const [kind, first, second] = line.split(' ')
    if (kind === 'Z') current.add(first)
    if (kind === 'L') links.set(second, first)
  }
  const names = new Map([...current].map((zone) => [zone, []]))
  for (const alias of links.keys()) {
    if (!current.has(alias)) names.get(currentName(alias, links, current)).push(alias)
  }
  const zones = [...names].map(([zone, aliases]) => ({
    countries: countries.get(zone) ?? [],
    names: [zone, ...aliases.sort()],
  }))
  return { version, zones: zones.sort((a, b) => (a.names[0] < b.names[0] ? -1 : 1)) }
}

function currentName(alias, links, current) {
  let name = RENAMED[alias] ?? links.get(alias)
  while (!current.has(name)) name = links.get(name)
  return name
}

function sourceOf(version, zones) {
  const words = zones.flatMap(({ countries, names }) => [`:${countries.join(',')}`, ...names])
  const lines = ['']
  for (const word of words) {
    const line = lines.at(-1)
    if (line.length + 1 + word.length > COLUMNS) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return `/** Written by \`node tools/time-zones.mjs\` from Debian's package tzdata. */

/** The version of the tz data. */
export const TZ_VERSION = '${version}'

/**
 * Each zone: a colon with the countries that keep its time (ISO 3166-1 alpha-2), its current name,
 * and its other names. A zone of no country is nobody's local time.
 */
export const TIME_ZONE_TABLE = \`
${lines.join('\n')}
\`
`
}
