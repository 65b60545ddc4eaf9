import { generateSecret } from 'jose'
import { contend } from '../contender-process.ts'
import { joseRows } from './jose.ts'
import { JOSE_HS256 } from './names.ts'

await contend(async () => {
  const secret = await generateSecret('HS256')
  return joseRows(JOSE_HS256, { alg: 'HS256', sign: secret, verify: secret })
})
