import { generateSecret } from 'jose'
import { expectUser, userOf } from '../facts.ts'
import { type JoseKeys, joseToken, joseUser } from './jose.ts'

/** The shortest program that verifies a token. */
const secret = await generateSecret('HS256')
const keys: JoseKeys = { alg: 'HS256', sign: secret, verify: secret }
expectUser(await joseUser(await joseToken(userOf(0), keys), keys), userOf(0))
process.stdout.write('verified')
