import { type Command, EXIT } from 'holdfast/cli'
import { stringify } from 'yaml'
import { FILES } from '../config/files.ts'
import { checkConfig, loadConfig } from '../config/load.ts'
import { printable } from '../config/print.ts'
import { configReference } from '../config/reference.ts'
import { CONFIG_OPTION } from './config-option.ts'

/** Commands about the configuration. */
export const configCommands: readonly Command[] = [
  {
    name: 'config check',
    about: 'List everything that is wrong with the configuration',
    usage: '',
    details:
      'Exit code 1 when something is. Each problem names its field and how to fix it. Files ' +
      'that are named, the\n' +
      'key ring and the geo data, are opened and looked into; nothing is connected to. What is ' +
      'open to the network\n' +
      'is warned of: "holdfast doctor" looks at a running installation.',
    options: CONFIG_OPTION,
    arguments: [0, 0],
    examples: ['holdfast config check --config holdfast.yaml'],
    async run({ text, env, out }) {
      const checked = checkConfig({ file: text('config'), env }, FILES)
      if (checked.ok) {
        const { file = null, warnings } = checked
        for (const { field, problem, fix } of warnings) {
          out.line(`warning: ${field} ${problem}. ${fix}`)
        }
        out.line(`The configuration is sound (${file ?? 'no file, environment only'}).`)
        out.value({ ok: true, file, problems: [], warnings })
        return EXIT.done
      }
      for (const { field, problem, fix } of checked.problems)
        out.line(`${field} ${problem}. ${fix}`)
      out.value(checked)
      return EXIT.failed
    },
  },
  {
    name: 'config print',
    about: 'Show the configuration in force, without secrets',
    usage: '',
    options: CONFIG_OPTION,
    arguments: [0, 0],
    examples: ['holdfast config print', 'holdfast config print --json'],
    async run({ text, env, out }) {
      const shown = printable(loadConfig({ file: text('config'), env }))
      out.line(stringify(shown).trimEnd())
      out.value(shown)
      return EXIT.done
    },
  },
  {
    name: 'config reference',
    about: 'Print the reference of all settings, in Markdown',
    usage: '',
    options: {},
    arguments: [0, 0],
    examples: ['holdfast config reference > docs/configuration.md'],
    async run({ out }) {
      out.line(configReference().trimEnd())
      out.value({ markdown: configReference() })
      return EXIT.done
    },
  },
]
