import { type Command, EXIT } from 'holdfast/cli'
import { REMOTE_OPTIONS, remoteOf } from './remote.ts'
import { askService } from './remote-ask.ts'

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
  {
    name: 'subjects erase',
    about: 'Destroy what the audit log knows of who a subject is',
    usage: '<subject>',
    details:
      'Name, addresses and agents of the subject cannot be read any more, in the log, its index, ' +
      'incidents and alerts.\n' +
      'What happened stays, under a key that names nobody, and the log still verifies. Ask the ' +
      'process that writes\n' +
      'the audit log. Needs a key with the role admin.',
    options: {
      tenant: { type: 'string', value: 'NAME', about: 'Tenant of the subject (default "default")' },
      ...REMOTE_OPTIONS,
    },
    arguments: [1, 1],
    examples: ['holdfast subjects erase alice'],
    async run(asked) {
      const [subject = ''] = asked.arguments
      const tenant = asked.text('tenant')
      const body = { subject, ...(tenant === undefined ? {} : { tenant }) }
      await askService(remoteOf(asked), '/v1/audit/erase', { body })
      // Whether anything was known is not told: the spelling is for whoever asked to check.
      asked.out.line(
        `Who "${subject}" of the tenant "${tenant ?? 'default'}" is cannot be read from the ` +
          'audit log any more.',
      )
      asked.out.value({ erased: true })
      return EXIT.done
    },
  },
]
