import { resealAll, SessionError } from 'holdfast'
import { loadConfig } from '../config/load.ts'
import { openKeyring } from '../main/keyring.ts'
import { serviceLog } from '../main/log.ts'
import { openStore } from '../main/store.ts'
import { CONFIG_OPTION, type Command, EXIT } from './command.ts'

/** Moves what older keys still seal under the current one. */
export const resealCommands: readonly Command[] = [
  {
    name: 'reseal',
    about: 'Seal what older keys hold under the current key',
    usage: '',
    details:
      'Works on the store itself, with the configuration of the service; the service may run meanwhile.\nAfter it, and after the longest absolute timeout, an older key is needed no more.',
    options: CONFIG_OPTION,
    arguments: [0, 0],
    examples: ['holdfast keys rotate && holdfast reseal'],
    async run({ text, env, out }) {
      const config = loadConfig({ file: text('config'), env })
      if (config.store.kind === 'memory') {
        throw new SessionError(
          'config_invalid',
          'A store in memory ends with its service: nothing to re-seal.',
        )
      }
      const log = serviceLog('silent')
      const keyring = openKeyring(config, log)
      const { store, close } = await openStore(config, { log })
      try {
        const done = await resealAll({ store, keyring })
        out.line(
          `Read ${done.read} records, sealed ${done.resealed} anew under ${keyring.current}.`,
        )
        if (done.unreadable > 0) {
          out.note(
            `${done.unreadable} do not open and stay as they are: damaged, or under a key that the ring does not hold.`,
          )
        }
        out.value({ ...done, current: keyring.current })
        return EXIT.done
      } finally {
        await close()
      }
    },
  },
]
