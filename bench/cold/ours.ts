import { createSessions, newKeyring } from 'holdfast'
import { memoryStore } from 'holdfast/memory'
import { expectUser, REQUEST, userOf } from '../facts.ts'

/** The shortest program that verifies a session. */
const sessions = createSessions({ store: memoryStore(), keyring: newKeyring() })
const created = await sessions.create({ subject: userOf(0), request: REQUEST, amr: ['pwd'] })
if (!created.ok) throw new Error(created.code)
const answer = await sessions.verify({ token: created.token, request: REQUEST })
expectUser(answer.ok ? answer.session.subject : answer.code, userOf(0))
process.stdout.write('verified')
