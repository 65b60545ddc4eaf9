import { join } from 'node:path'
import { SessionError } from 'holdfast'
import { type Asked, type Command, EXIT, instant, type Option, table } from 'holdfast/cli'
import { type GeoStatus, geoStatus } from '../geo/record.ts'
import { DB_IP, updateGeo } from '../geo/update.ts'

const FOLDER_OPTION: Readonly<Record<string, Option>> = {
  into: { type: 'string', value: 'DIR', about: 'Folder of the files (default .holdfast/geo)' },
}

const DAY_MS = 86_400_000

/** Geo and ASN data on this machine. */
export const geoCommands: readonly Command[] = [
  {
    name: 'geo update',
    about: 'Fetch the current free city and ASN files of DB-IP',
    usage: '',
    details:
      'Puts both into a folder, checked and each in one step; a running service picks them up ' +
      'by itself.\n' +
      'The data is DB-IP Lite under CC BY 4.0: pages that show places must link to ' +
      'https://db-ip.com.',
    options: {
      ...FOLDER_OPTION,
      from: { type: 'string', value: 'URL', about: `Where to fetch them (default ${DB_IP})` },
      month: { type: 'string', value: 'YYYY-MM', about: 'Edition (default: the newest)' },
    },
    arguments: [0, 0],
    examples: ['holdfast geo update', 'holdfast geo update --into /var/lib/holdfast/geo'],
    async run(asked) {
      const into = folderOf(asked)
      const updated = await updateGeo({
        into,
        from: asked.text('from'),
        month: asked.text('month'),
        now: () => Date.now(),
      })
      if (!updated.ok) {
        asked.out.note(`holdfast: ${updated.message}`)
        asked.out.value(updated)
        return EXIT.failed
      }
      asked.out.line(updated.changed ? 'Fetched:' : 'The newest edition is here already:')
      for (const { role, name, month } of updated.files) {
        asked.out.line(`  HOLDFAST_GEO_${role.toUpperCase()}=${join(into, name)}  (${month})`)
      }
      asked.out.line('IP Geolocation by DB-IP, https://db-ip.com, CC BY 4.0.')
      asked.out.value(updated)
      return EXIT.done
    },
  },
  {
    name: 'geo status',
    about: 'Show the age, source and licence of the geo data',
    usage: '',
    details: 'Exit code 1 when there is no data, files are missing, or it is older than 45 days.',
    options: FOLDER_OPTION,
    arguments: [0, 0],
    examples: ['holdfast geo status', 'holdfast geo status --json'],
    async run(asked) {
      const folder = folderOf(asked)
      const status = await geoStatus(folder, Date.now())
      if (status === undefined) {
        throw new SessionError(
          'not_found',
          `There is no geo data in ${folder}. "holdfast geo update" fetches it.`,
        )
      }
      asked.out.line(describe(status))
      asked.out.value(status)
      return status.stale || status.missing.length > 0 ? EXIT.failed : EXIT.done
    },
  },
]

function folderOf(asked: Asked): string {
  return asked.text('into') ?? join('.holdfast', 'geo')
}

function describe({ record, ageMs, stale, missing }: GeoStatus): string {
  const rows = record.files.map(({ role, name, month, bytes }) => [
    role,
    name,
    month,
    `${Math.round(bytes / 1_048_576)} MiB`,
    missing.includes(name) ? 'missing' : 'here',
  ])
  return [
    `${record.source}, ${record.licence}: ${record.attribution}, ${record.attributionUrl}`,
    `Fetched ${instant(record.fetchedAt)}, ${Math.floor(ageMs / DAY_MS)} days old` +
      `${stale ? ': there is a newer edition' : ''}.`,
    table(['ROLE', 'FILE', 'EDITION', 'SIZE', 'STATE'], rows),
  ].join('\n')
}
