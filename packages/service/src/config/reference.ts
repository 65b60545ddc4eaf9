import { stringify } from 'yaml'
import { EXAMPLE_KEY } from './api-keys.ts'
import { printable, saysNothing } from './print.ts'
import { factsOf, SETTINGS, schema, variableOf } from './schema.ts'

/** The Markdown reference of every setting, from the schema that reads them. */
export function configReference(): string {
  const defaults = printable(schema.parse({ apiKeys: [EXAMPLE_KEY] }))
  const rows = SETTINGS.map((name) => {
    const { about, secret } = factsOf(name)
    const value = name === 'apiKeys' ? undefined : defaults[name]
    const variables = [variableOf(name), ...(secret ? [`${variableOf(name)}_FILE`] : [])]
    const environment = variables.map((one) => `\`${one}\``).join('<br>')
    const cells = [`\`${name}\``, environment, standard(name, value), about]
    return `| ${cells.join(' | ')} | \`${factsOf(name).example}\` |`
  })
  return `${[
    '# Configuration',
    '',
    'Settings come from `holdfast.yaml` (or the file that `HOLDFAST_CONFIG` or `--config` ' +
      'names) and from the',
    'environment; a variable wins over the file. Unknown keys and unknown `HOLDFAST_*` ' +
      'variables are errors;',
    'an empty variable counts as unset, and what Kubernetes writes for its Services ' +
      '(`HOLDFAST_SERVICE_HOST`, `HOLDFAST_PORT=tcp://...`) is no setting.',
    'Durations are words: `500ms`, `90s`, `15m`, `2h`, `30d`. Lists are comma-separated in a ' +
      'variable, and what has',
    'structure is YAML in one line. `holdfast config check` lists everything that is wrong, and',
    '`holdfast config print` shows what is in force, without secrets. A `_FILE` variable ' +
      'names a file that holds the value.',
    '',
    '| setting | variable | default | what it is for | example |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
    'The remote commands also read `HOLDFAST_URL` and `HOLDFAST_KEY` (or `HOLDFAST_KEY_FILE`); ' +
      '`--url`, `--key` and `--key-file` count before them.',
    '',
    'In the file:',
    '',
    '```yaml',
    EXAMPLE_FILE.trimEnd(),
    '```',
  ].join('\n')}\n`
}

function standard(name: string, value: unknown): string {
  if (name === 'apiKeys') return 'required'
  if (saysNothing(value)) return 'none'
  if (typeof value === 'object' && value !== null) {
    return `\`${stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim()}\``
  }
  return `\`${String(value)}\``
}

/** A whole file that passes the check; a test reads it. */
export const EXAMPLE_FILE = `listen: 127.0.0.1:4600
store: lmdb:/var/lib/holdfast/store
keyring: /etc/holdfast/keyring.json
policy: balanced
idleTimeout: 2h
classes:
  remember: { absolute: 30d, idle: 7d, persistent: true }
apiKeys:
  - name: shop
    roles: [app, gate]
    digest: ${EXAMPLE_KEY.digest}
`
