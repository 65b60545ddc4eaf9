import { once } from 'node:events'
import { existsSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { SessionError } from 'holdfast'
import { type Command, EXIT, inertJson, printable, UsageError } from 'holdfast/cli'
import { noteVerifier } from '../audit/log/note.ts'
import { cosigner } from '../audit/witness/cosignature.ts'
import { openWitnessState, witnessDesk } from '../audit/witness/witness.ts'
import { witnessServer } from '../audit/witness/witness-server.ts'
import { listen } from '../config/values.ts'
import { fileText, keyTexts } from './given-texts.ts'
import { firstSignal } from './serve.ts'

/** A witness, for another machine than that of the log. */
export const auditWitnessCommands: readonly Command[] = [
  {
    name: 'audit witness',
    about: 'Sign that audit logs only grow, from a machine that those who can write them have not',
    usage: '',
    details:
      'Answers POST /add-checkpoint (C2SP tlog-witness) until SIGTERM or SIGINT, for the logs ' +
      'whose verifier keys are named:\n' +
      'a key NAME signs the log NAME and those below NAME/, of which each directory is one. Make ' +
      'key and state with\n' +
      '"holdfast audit keys new FILE --witness STATE". A state that is gone, or a copy that was ' +
      'put back, has forgotten\n' +
      'what was signed: make a new key then. It speaks plain HTTP; what it says is signed.',
    options: {
      key: { type: 'string', value: 'FILE', about: 'Private key of the witness' },
      log: {
        type: 'string',
        value: 'FILE|TEXT',
        about: 'Verifier key of a log; in a file one a line',
      },
      state: { type: 'string', value: 'FILE', about: 'Where it keeps what it has signed' },
      listen: { type: 'string', value: 'HOST:PORT', about: 'Where it listens' },
    },
    arguments: [0, 0],
    examples: [
      'holdfast audit witness --key witness.key --state witness.state --log verifier.txt ' +
        '--listen 0.0.0.0:8091',
    ],
    async run({ text, out }) {
      const [key, logs, path] = [text('key'), keyTexts(text('log'), 'The key'), text('state')]
      const where = listen.safeParse(text('listen'))
      if (key === undefined || logs === undefined || path === undefined || !where.success) {
        throw new UsageError(
          'Name --key FILE, --log FILE|TEXT, --state FILE and --listen HOST:PORT.',
        )
      }
      const signer = cosigner(fileText(key, 'The key'))
      if (!existsSync(path)) {
        throw new SessionError(
          'config_invalid',
          `${path}, which holds what this witness has signed, is gone. Its key must sign nothing ` +
            'more: make a new one with "holdfast audit keys new FILE --witness STATE".',
        )
      }
      const state = openWitnessState(path, signer)
      try {
        const desk = witnessDesk({
          ...{ signer, state, logs: logs.map(noteVerifier), now: () => Date.now() },
          onNotice(notice) {
            const { is, origin, known } = notice
            out.value(notice)
            out.line(
              is === 'new'
                ? printable(`new: ${origin}`)
                : `REFUSED: ${printable(origin)} no longer goes on from the ${known.size} lines ` +
                    `with the root ${known.root}. It shows ${inertJson(notice.checkpoint)}`,
            )
          },
        })
        const server = witnessServer(desk, (error) => out.note(`holdfast: ${String(error)}`))
        const stopped = firstSignal()
        server.listen(where.data)
        await once(server, 'listening')
        const { address, port } = server.address() as AddressInfo
        const url = `http://${address.includes(':') ? `[${address}]` : address}:${port}`
        out.line(`Listening on ${url} as\n${signer.verifierKey}`)
        out.value({ url, verifierKey: signer.verifierKey })
        await stopped
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      } finally {
        state.close()
      }
      return EXIT.done
    },
  },
]
