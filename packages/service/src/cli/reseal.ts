import { SessionError } from 'holdfast'
import { type Command, EXIT } from 'holdfast/cli'
import { checkKeyring, resealAll } from 'holdfast/maintenance'
import { loadConfig } from '../config/load.ts'
import { openKeyring } from '../main/keyring.ts'
import { serviceLog } from '../main/log.ts'
import { openStore } from '../main/store.ts'
import { CONFIG_OPTION } from './config-option.ts'

/** Moves what older keys still seal under the current one. */
export const resealCommands: readonly Command[] = [
  {
    name: 'reseal',
    about: 'Seal what older keys hold under the current key',
    usage: '',
    details:
      'Works on the store itself, with the configuration of the service; the service may run ' +
      'meanwhile, on all\n' +
      'instances with the key that seals now. Sessions, their attributes and what is known of ' +
      'subjects are sealed\n' +
      'anew; events are not, and those under a key that is gone are left out of the log. An ' +
      'older key may go when\n' +
      'this has finished, and the longest absolute timeout after the last instance changed to ' +
      'the new key: until then\n' +
      'tokens may be under it.',
    options: CONFIG_OPTION,
    arguments: [0, 0],
    examples: ['holdfast reseal', 'holdfast reseal --json'],
    async run({ text, env, out }) {
      const config = loadConfig({ file: text('config'), env })
      if (config.store.kind === 'memory') {
        throw new SessionError(
          'config_invalid',
          'A store in memory ends with its service: nothing to re-seal.',
        )
      }
      if (config.keyring === undefined) {
        throw new SessionError(
          'config_invalid',
          'Name the key ring of the store: HOLDFAST_KEYRING. None is made up here.',
        )
      }
      const log = serviceLog('silent', { write: () => {} })
      const keyring = openKeyring(config, log)
      const { store, close } = await openStore(config, { log, existing: true })
      try {
        await checkKeyring({ store, keyring })
        const done = await resealAll({ store, keyring })
        out.line(
          `Read ${done.read} records, sealed ${done.resealed} anew under ${keyring.current}.`,
        )
        if (done.unreadable > 0) {
          out.note(
            `${done.unreadable} do not open and stay as they are: damaged, or under a key ` +
              'that the ring does not hold.',
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
