import { type Command, EXIT } from 'holdfast/cli'
import { REMOTE_OPTIONS, remoteOf } from './remote.ts'

/** Commands about all sessions of a subject, over the API. */
export const subjectsCommands: readonly Command[] = [
  {
    name: 'subjects revoke',
    about: 'End all sessions of a subject, or all but one',
    usage: '<subject>',
    options: {
      tenant: { type: 'string', value: 'NAME', about: 'Tenant of the subject (default "default")' },
      except: { type: 'string', value: 'ID', about: 'Session id to leave alive' },
      reason: {
        type: 'string',
        value: 'CODE',
        about: 'Reason for the event log (default "administrator")',
      },
      ...REMOTE_OPTIONS,
    },
    arguments: [1, 1],
    examples: ['holdfast subjects revoke alice', 'holdfast subjects revoke alice --except UG9…'],
    async run(asked) {
      const [subject = ''] = asked.arguments
      const tenant = asked.text('tenant')
      const except = asked.text('except')
      await remoteOf(asked).sessions.revokeSubject(
        { subject, ...(tenant === undefined ? {} : { tenant }) },
        {
          reason: asked.text('reason') ?? 'administrator',
          ...(except === undefined ? {} : { except }),
        },
      )
      asked.out.line(
        `All sessions of ${subject} are over${except === undefined ? '' : ' but one'}.`,
      )
      asked.out.value({ subject, revoked: true, except: except ?? null })
      return EXIT.done
    },
  },
]
